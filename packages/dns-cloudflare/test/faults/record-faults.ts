import type { Fault } from "./fault.js";
import { rawZone } from "./raw-zone.js";

const isV6 = (address: string) => address.includes(":");

/** Faults in how the record comes, stays, moves and goes. */
export const recordFaults: readonly Fault[] = [
  [
    "shows an empty record where there is none",
    "before anything is set",
    (plugin) => ({
      get: async (context) => (await plugin.get(context)) ?? { name: plugin.record, addresses: [] },
    }),
  ],
  [
    "forgets IPv6",
    "set makes exactly these addresses",
    (plugin) => ({
      set: (context, given) =>
        plugin.set(
          context,
          given.filter((each) => !isV6(each)),
        ),
    }),
  ],
  [
    "gives addresses back as they come",
    "set makes exactly these addresses",
    (plugin) => ({
      async get(context) {
        const record = await plugin.get(context);
        return record && { ...record, addresses: [...record.addresses].reverse() };
      },
    }),
  ],
  [
    "says that it changed something when it did not",
    "the same addresses again",
    (plugin) => ({ set: async (...args) => ({ ...(await plugin.set(...args)), changed: true }) }),
  ],
  [
    "writes what is written already",
    "the same addresses again",
    (plugin) => ({
      async set(context, given) {
        const { changed } = await plugin.set(context, given);
        await plugin.remove(context);
        return { ...(await plugin.set(context, given)), changed };
      },
    }),
  ],
  [
    "adds to the addresses that are there",
    "other addresses replace them",
    (plugin) => ({
      set: async (context, given) =>
        plugin.set(context, [...((await plugin.get(context))?.addresses ?? []), ...given]),
    }),
  ],
  [
    "removes the former addresses first",
    "while addresses are replaced",
    (plugin) => ({
      async set(context, given) {
        const before = await plugin.get(context);
        if (before?.addresses.join() !== [...given].sort().join()) await plugin.remove(context);
        return plugin.set(context, given);
      },
    }),
  ],
  [
    "moves IPv4 first",
    "IPv4 and IPv6 move together",
    (plugin) => ({
      async set(context, given) {
        const before = (await plugin.get(context))?.addresses ?? [];
        const step = [...given.filter((each) => !isV6(each)), ...before.filter(isV6)];
        if (step.length > 0) await plugin.set(context, step);
        return plugin.set(context, given);
      },
    }),
  ],
  ["leaves its record where it is", "remove takes the record away", () => ({ remove: async () => {} })],
  [
    "leaves something beside its record",
    "remove takes the record away",
    (plugin) => ({
      async set(context, given) {
        const result = await plugin.set(context, given);
        if (result.changed) await rawZone(plugin).make(`_owner.${plugin.record}`, "TXT", context.cluster);
        return result;
      },
    }),
  ],
  [
    "takes an asterisk for an ordinary label",
    "a wildcard record answers",
    (plugin, { entrypoint, record }) => ({
      ...entrypoint(record.replace("*", "any")),
      record: plugin.record,
    }),
  ],
];
