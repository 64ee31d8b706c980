import type { CallContext } from "@multicloud/core/plugin";
import type { Fault } from "./fault.js";
import { rawZone } from "./raw-zone.js";

const none = { problems: [], warnings: [] };

/** Faults in telling what is ours. */
export const ownershipFaults: readonly Fault[] = [
  [
    "finds no fault with a name that is taken",
    "an address of this name without our mark",
    () => ({ check: async () => none }),
  ],
  [
    "shows whatever the name has",
    "an address of this name without our mark",
    (plugin) => ({
      async get() {
        const found = (await rawZone(plugin).list()).filter(({ name }) => name === plugin.record);
        return found.length === 0
          ? undefined
          : { name: plugin.record, addresses: found.map(({ content }) => content).sort() };
      },
    }),
  ],
  [
    "sweeps away what is in its way",
    "an address of this name without our mark",
    (plugin) => ({
      async set(context, given) {
        await rawZone(plugin).remove(({ name }) => name === plugin.record);
        return plugin.set(context, given);
      },
    }),
  ],
  [
    "removes all that its name has",
    "an address that somebody adds to our record",
    (plugin) => ({ remove: () => rawZone(plugin).remove(({ name }) => name === plugin.record) }),
  ],
  [
    "removes all that bears a mark",
    "another cluster's record in the same zone",
    (plugin) => ({ remove: () => rawZone(plugin).remove(({ type }) => type === "A" || type === "AAAA") }),
  ],
  [
    "compares the beginnings of marks",
    "a name that another cluster has",
    (plugin) => {
      const cut = (context: CallContext) => ({ ...context, cluster: context.cluster.slice(0, 5) });
      return {
        check: (context) => plugin.check(cut(context)),
        get: (context) => plugin.get(cut(context)),
        set: (context, given) => plugin.set(cut(context), given),
        remove: (context) => plugin.remove(cut(context)),
      };
    },
  ],
];
