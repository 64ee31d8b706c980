import type { DnsEntrypoint } from "@multicloud/core/plugin";
import { expect, test } from "vitest";
import { judge } from "../../testing/src/conformance/describe-cases.js";
import type { EntrypointCase } from "../../testing/src/conformance/entrypoint/case.js";
import { failureCases } from "../../testing/src/conformance/entrypoint/failure-cases.js";
import { inClusterCases } from "../../testing/src/conformance/entrypoint/in-cluster-cases.js";
import { interruptionCases } from "../../testing/src/conformance/entrypoint/interruption-cases.js";
import { ownershipCases } from "../../testing/src/conformance/entrypoint/ownership-cases.js";
import { recordCases } from "../../testing/src/conformance/entrypoint/record-cases.js";
import { openTrial } from "../../testing/src/conformance/entrypoint/trial.js";
import { openEntrypointHarness } from "./entrypoint-harness.js";
import { failureFaults } from "./faults/failure-faults.js";
import type { Fault } from "./faults/fault.js";
import { inClusterFaults } from "./faults/in-cluster-faults.js";
import { interruptionFaults } from "./faults/interruption-faults.js";
import { ownershipFaults } from "./faults/ownership-faults.js";
import { recordFaults } from "./faults/record-faults.js";

// A suite that finds fault with nothing proves nothing: here a DNS plugin that passes gets one fault at a time.

const all: readonly EntrypointCase[] = [
  ...recordCases,
  ...ownershipCases,
  ...interruptionCases,
  ...failureCases,
  ...inClusterCases,
];
const faults: readonly Fault[] = [
  ...recordFaults,
  ...ownershipFaults,
  ...interruptionFaults,
  ...failureFaults,
  ...inClusterFaults,
];
const findersOf = (finds: string) => all.filter(({ name }) => name.startsWith(finds));

test("each case finds a fault", () => {
  const proven = faults.flatMap(([, finds]) => findersOf(finds));
  expect(all.filter((one) => !proven.includes(one)).map(({ name }) => name)).toEqual([]);
});

test.each(faults)("a DNS plugin that %s does not pass", async (_, finds, faulty) => {
  const found = findersOf(finds);
  expect(found, `cases called ${finds}`).toHaveLength(1);
  const open = () =>
    openTrial({
      name: "cloudflare with a fault",
      async create() {
        const harness = await openEntrypointHarness();
        const { entrypoint } = harness;
        const withFault = (plugin: DnsEntrypoint, record: string) => ({
          ...plugin,
          ...faulty(plugin, { entrypoint, record }),
        });
        return {
          ...harness,
          entrypoint: (record) => withFault(entrypoint(record), record),
          wrongCredentials: (record) => withFault(harness.wrongCredentials!(record), record),
        };
      },
    });
  const judged = judge(open, found[0]!.run);
  await expect(judged).rejects.toMatchObject({ name: "AssertionError" });
});
