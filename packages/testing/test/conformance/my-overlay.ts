import { MulticloudError, type Overlay } from "@multicloud/core/plugin";

export interface Member {
  readonly id: string;
  readonly node: string;
  readonly mark: string;
  readonly address: string;
}

export function myOverlay(service: Map<string, Member>): Overlay {
  const network = { id: "net-1", interfaceName: "my0", cidr: "10.50.0.0/24" };
  const members = ({ cluster, signal }: { cluster: string; signal: AbortSignal }) => {
    signal.throwIfAborted();
    return [...service.values()].filter(({ mark }) => mark === cluster);
  };
  return {
    specVersion: "v1",
    name: "my-overlay",
    async check(context) {
      const full = members(context).length > 200;
      return { problems: full ? [{ path: "", message: "is full" }] : [], warnings: [] };
    },
    async find({ signal }) {
      signal.throwIfAborted();
      return network;
    },
    async ensure({ signal }) {
      signal.throwIfAborted();
      return network;
    },
    boot: () => ({
      directories: [{ path: "/etc/my-overlay" }],
      commands: [
        {
          name: "my-overlay identity",
          unless: "test -s /etc/my-overlay/id",
          run: "head -c 16 /dev/urandom | sha256sum | cut -c 1-12 >/etc/my-overlay/id",
        },
      ],
    }),
    async admit(context, { interfaceName }, { name, host }) {
      const { cluster, signal } = context;
      signal.throwIfAborted();
      const id = Buffer.from(await host.readFile("/etc/my-overlay/id", { signal }))
        .toString()
        .trim();
      const known = service.get(id);
      if (known && known.mark !== cluster) {
        throw new MulticloudError(`${name} is a member of cluster ${known.mark}`, {
          code: "CONFLICT",
          node: name,
          service: "my-overlay",
        });
      }
      // Whoever had this name before was another machine.
      for (const other of members(context)) {
        if (other.node === name && other.id !== id) service.delete(other.id);
      }
      const taken = new Set([...service.values()].map(({ address }) => address));
      let number = 1;
      while (taken.has(`10.50.0.${number}`)) number += 1;
      const address = known?.address ?? `10.50.0.${number}`;
      if (!known) service.set(id, { id, node: name, mark: cluster, address });
      return { memberId: id, address, interfaceName };
    },
    members: async (context) => members(context).map(({ id, node, address }) => ({ id, node, address })),
    async remove(context, given) {
      const ours = new Set(members(context).map(({ id }) => id));
      for (const { id } of given) if (ours.has(id)) service.delete(id);
    },
    destroy: async () => {},
  };
}
