import type { CallContext } from "@multicloud/core/plugin";
import type { Fault } from "./fault.js";
import { rawZone } from "./raw-zone.js";

const neverAborted = (context: CallContext): CallContext => ({
  ...context,
  signal: new AbortController().signal,
});
const isV6 = (address: string) => address.includes(":");
/** What the plugin that believes in what it sent has sent last. */
let sent = "";

/** Faults in being stopped and in going on. */
export const interruptionFaults: readonly Fault[] = [
  [
    "does not listen to its signal when it sets",
    "a signal that has fired already",
    (plugin) => ({ set: (context, given) => plugin.set(neverAborted(context), given) }),
  ],
  [
    "does not listen to its signal when it reads",
    "a signal that has fired already",
    (plugin) => ({ get: (context) => plugin.get(neverAborted(context)) }),
  ],
  [
    "throws what it likes when it is told to stop",
    "a set that is aborted at any of its changes",
    (plugin) => ({
      set: (context, given) =>
        plugin.set(context, given).catch((error) => {
          throw new Error("could not set the record", { cause: error });
        }),
    }),
  ],
  [
    "takes a first step for the whole way",
    "a set that is aborted at any of its changes",
    (plugin) => ({
      async set(context, given) {
        const [begin = ""] = given;
        const before = await plugin.get(context);
        if (before?.addresses.includes(begin)) return { record: before, changed: false };
        await plugin.set(context, [begin]);
        return plugin.set(context, given);
      },
    }),
  ],
  [
    "takes a removal that was begun for done",
    "a remove that is aborted at any of its changes",
    (plugin) => ({
      async remove(context) {
        const { addresses = [] } = (await plugin.get(context)) ?? {};
        if (addresses.length < 2) return;
        await plugin.set(context, addresses.slice(0, 1));
        await plugin.remove(context);
      },
    }),
  ],
  [
    "takes what it has sent for made",
    "a change whose connection was cut",
    (plugin) => ({
      async set(context, given) {
        const record = { name: plugin.record, addresses: [...given].sort() };
        if (sent === given.join()) return { record, changed: false };
        sent = given.join();
        await plugin.remove(context);
        for (const each of given) {
          await rawZone(plugin).make(
            plugin.record,
            isV6(each) ? "AAAA" : "A",
            each,
            `multicloud:${context.cluster}`,
          );
        }
        return { record, changed: true };
      },
      async remove(context) {
        sent = "";
        await plugin.remove(context);
      },
    }),
  ],
];
