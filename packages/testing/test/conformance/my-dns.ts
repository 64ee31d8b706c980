import { isIP } from "node:net";
import { type CallContext, type DnsEntrypoint, MulticloudError } from "@multicloud/core/plugin";

/** What each name has. */
export type Zone = Map<string, readonly { readonly address: string; readonly mark: string }[]>;

export function myDns(zone: Zone, record: string): DnsEntrypoint {
  const look = ({ cluster, signal }: CallContext) => {
    signal.throwIfAborted();
    const all = zone.get(record) ?? [];
    const ours = all.filter(({ mark }) => mark === cluster).map(({ address }) => address);
    return { ours: ours.sort(), theirs: all.filter(({ mark }) => mark !== cluster) };
  };
  const refuse = (code: "CONFIG_INVALID" | "CONFLICT", message: string) =>
    new MulticloudError(`${record} cannot be set: ${message}`, { code, service: "my-dns" });
  return {
    specVersion: "v1",
    name: "my-dns",
    record,
    async check(context) {
      const problems = look(context).theirs.map(({ address }) => {
        return { path: "record", message: `${address} is somebody else's`, code: "CONFLICT" } as const;
      });
      return { problems, warnings: [] };
    },
    async get(context) {
      const { ours } = look(context);
      return ours.length > 0 ? { name: record, addresses: ours } : undefined;
    },
    async set(context, given) {
      const addresses = [...new Set(given.map((each) => each.toLowerCase()))].sort();
      const areAddresses = addresses.length > 0 && addresses.every((each) => isIP(each) > 0);
      if (!areAddresses) throw refuse("CONFIG_INVALID", "addresses are needed");
      const { ours, theirs } = look(context);
      if (theirs.length > 0) throw refuse("CONFLICT", "the name is somebody else's");
      const changed = ours.join() !== addresses.join();
      if (changed) {
        const made = addresses.map((address) => ({ address, mark: context.cluster }));
        zone.set(record, made);
      }
      return { record: { name: record, addresses }, changed };
    },
    async remove(context) {
      const { ours, theirs } = look(context);
      if (ours.length === 0) return;
      if (theirs.length > 0) zone.set(record, theirs);
      else zone.delete(record);
    },
  };
}
