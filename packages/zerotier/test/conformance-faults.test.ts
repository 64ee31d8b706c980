import type { CallContext, Overlay, OverlayAddress } from "@multicloud/core/plugin";
import { expect, test } from "vitest";
import { judge } from "../../testing/src/conformance/describe-cases.js";
import { failureCases } from "../../testing/src/conformance/overlay/failure-cases.js";
import { interruptionCases } from "../../testing/src/conformance/overlay/interruption-cases.js";
import { joiningCases } from "../../testing/src/conformance/overlay/joining-cases.js";
import { ownershipCases } from "../../testing/src/conformance/overlay/ownership-cases.js";
import { type OverlayCase, openTrial } from "../../testing/src/conformance/overlay/trial.js";
import { openOverlayHarness } from "./overlay-harness.js";

// A suite that finds fault with nothing proves nothing: here an overlay that passes gets one fault at a time.

const all: readonly OverlayCase[] = [
  ...joiningCases,
  ...ownershipCases,
  ...interruptionCases,
  ...failureCases,
];

type Faulty = (overlay: Overlay, secret: string) => Partial<Overlay>;

const neverAborted = (context: CallContext): CallContext => ({
  ...context,
  signal: new AbortController().signal,
});
const ofOther = (context: CallContext): CallContext => ({ ...context, cluster: "other" });
const remembered = new Map<string, OverlayAddress>();

const faults: readonly (readonly [fault: string, finds: string, overlay: Faulty])[] = [
  [
    "puts a member out and in again",
    "ensure, the boot fragment and admit again",
    (overlay) => ({
      async admit(context, ...args) {
        await overlay.remove(context, await overlay.members(context));
        return overlay.admit(context, ...args);
      },
    }),
  ],
  [
    "runs its boot commands each time",
    "ensure, the boot fragment and admit again",
    (overlay) => ({
      boot: (network) => ({ ...overlay.boot(network), commands: [{ name: "again", run: "true" }] }),
    }),
  ],
  [
    "believes what it once was told",
    "a node whose admission somebody took back",
    (overlay) => ({
      async admit(context, network, node) {
        const known = remembered.get(node.name) ?? (await overlay.admit(context, network, node));
        remembered.set(node.name, known);
        return known;
      },
    }),
  ],
  [
    "calls members what it likes",
    "admit gives each node an address",
    (overlay) => ({
      admit: (context, network, { host }) => overlay.admit(context, network, { name: host.address, host }),
    }),
  ],
  [
    "does not find the member of a former machine",
    "a name that another machine has now",
    (overlay) => ({
      admit: (context, network, { name, host }) =>
        overlay.admit(context, network, { name: `${name}-${host.address.replaceAll(".", "-")}`, host }),
    }),
  ],
  ["leaves members where they are", "remove puts out what it is given", () => ({ remove: async () => {} })],
  ["leaves its network where it is", "remove and destroy leave nothing", () => ({ destroy: async () => {} })],
  [
    "shows the members of all clusters",
    "members of another cluster are neither shown",
    (overlay) => ({
      members: async (context) => [
        ...(await overlay.members(context)),
        ...(await overlay.members(ofOther(context))),
      ],
    }),
  ],
  [
    "puts out whomever it is handed",
    "members of another cluster are neither shown",
    (overlay) => ({
      async remove(context, members) {
        await overlay.remove(context, members);
        await overlay.remove(ofOther(context), members);
      },
    }),
  ],
  [
    "does not listen to its signal",
    "a signal that has fired already",
    (overlay) => ({
      ensure: (context) => overlay.ensure(neverAborted(context)),
      admit: (context, ...args) => overlay.admit(neverAborted(context), ...args),
      remove: (context, ...args) => overlay.remove(neverAborted(context), ...args),
    }),
  ],
  [
    "throws what it likes when it is told to stop",
    "joining that is aborted at any change",
    (overlay) => ({
      ensure: (context) =>
        overlay.ensure(context).catch((error) => {
          throw new Error("could not make the network", { cause: error });
        }),
    }),
  ],
  [
    "destroys nothing when a destroy was cut off before",
    "a destroy that is aborted at any change",
    (overlay) => ({
      async destroy(context) {
        if (context.signal.aborted || (await overlay.members(context)).length === 0) return;
        await overlay.destroy(context);
      },
    }),
  ],
  [
    "throws errors that say nothing",
    "errors carry a code and the service",
    (overlay) => ({
      members: (context) =>
        overlay.members(context).catch(() => {
          throw new Error("failed");
        }),
    }),
  ],
  [
    "writes a secret into the boot configuration",
    "admit gives each node an address",
    (overlay, secret) => ({
      boot: (network) => ({
        ...overlay.boot(network),
        directories: [{ path: `/etc/${secret}` }],
      }),
    }),
  ],
  [
    "gives a secret to a command",
    "admit gives each node an address",
    (overlay, secret) => ({
      async admit(context, network, node) {
        await node.host.exec(`true ${secret}`);
        return overlay.admit(context, network, node);
      },
    }),
  ],
  ["checks nothing", "wrong options", () => ({ check: async () => ({ problems: [], warnings: [] }) })],
];

test.each(faults)("an overlay that %s does not pass", async (_, finds, faulty) => {
  const found = all.filter(({ name }) => name.startsWith(finds));
  expect(found, `cases called ${finds}`).toHaveLength(1);
  remembered.clear();
  const open = () =>
    openTrial({
      name: "zerotier with a fault",
      async create() {
        const harness = await openOverlayHarness(({ url }) => ({
          create: { cidr: "10.9.0.0/24" },
          baseURL: url,
        }));
        const withFault = (overlay: Overlay) => ({ ...overlay, ...faulty(overlay, harness.secrets[0]!) });
        return {
          ...harness,
          overlay: () => withFault(harness.overlay()),
          wrongOptions: () =>
            harness.wrongOptions!().map((wrong) => ({ ...wrong, plugin: withFault(wrong.plugin) })),
        };
      },
    });
  const judged = judge(open, found[0]!.run);
  await expect(judged).rejects.toMatchObject({ name: "AssertionError" });
});
