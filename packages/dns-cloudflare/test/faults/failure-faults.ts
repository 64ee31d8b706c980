import { MulticloudError } from "@multicloud/core/plugin";
import type { Fault } from "./fault.js";
import { rawZone } from "./raw-zone.js";

const none = { problems: [], warnings: [] };

/** Faults in errors and secrets. */
export const failureFaults: readonly Fault[] = [
  [
    "tries out its rights when it checks",
    "check and get only read",
    (plugin) => ({
      async check(context) {
        await rawZone(plugin).make("rehearsal", "TXT", "may I?");
        await rawZone(plugin).remove(({ type }) => type === "TXT");
        return plugin.check(context);
      },
    }),
  ],
  [
    "takes no address for none wanted",
    "no address, and what is none",
    (plugin) => ({
      async set(context, given) {
        if (given.length > 0) return plugin.set(context, given);
        await plugin.remove(context);
        return { record: { name: plugin.record, addresses: [] }, changed: true };
      },
    }),
  ],
  ["finds no fault with its credentials", "wrong credentials", () => ({ check: async () => none })],
  [
    "tells its token when it is refused",
    "wrong credentials",
    (plugin) => ({
      get: (context) =>
        plugin.get(context).catch(() => {
          const message = `the token ${plugin.inCluster!.secrets().token} was refused`;
          throw new MulticloudError(message, { code: "AUTH_FAILED", service: "cloudflare" });
        }),
    }),
  ],
  [
    "tells its token in a problem",
    "wrong credentials",
    (plugin) => ({
      async check(context) {
        const { problems, warnings } = await plugin.check(context);
        const { token } = plugin.inCluster!.secrets();
        return { problems: problems.map((each) => ({ ...each, given: token! })), warnings };
      },
    }),
  ],
  [
    "throws errors that say nothing",
    "while nobody at the service answers every call",
    (plugin) => ({
      remove: (context) =>
        plugin.remove(context).catch(() => {
          throw new Error("failed");
        }),
    }),
  ],
  [
    "takes silence for an empty zone",
    "while nobody at the service answers every call",
    (plugin) => ({ get: (context) => plugin.get(context).catch(() => undefined) }),
  ],
];
