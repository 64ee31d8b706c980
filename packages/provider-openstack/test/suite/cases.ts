import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authCases } from "./auth-cases.js";
import { createBench } from "./bench.js";
import { type CloudUnderTest, nothing } from "./cloud-under-test.js";
import { cutCases } from "./cut-cases.js";
import { failureCases } from "./failure-cases.js";
import { machineCases } from "./machine-cases.js";
import { networkCases } from "./network-cases.js";
import { scaleCases } from "./scale-cases.js";
import { sharedCases } from "./shared-cases.js";

/** The suite that the emulated and the real OpenStack both pass. */
export function describeOpenStack(
  name: string,
  open: () => Promise<CloudUnderTest & { close?(): Promise<void> }>,
): void {
  describe(name, () => {
    const bench = createBench();
    const { until } = bench;
    let cloud: CloudUnderTest & { close?(): Promise<void> };
    beforeAll(async () => {
      cloud = await open();
      await bench.open(cloud);
    });
    afterAll(() => cloud?.close?.());

    authCases(bench);
    machineCases(bench);
    sharedCases(bench);
    failureCases(bench);
    networkCases(bench);
    cutCases(bench);
    scaleCases(bench);

    it("leaves nothing behind", async () => {
      for (const raw of [bench.home, bench.attic, bench.cellar]) {
        const left = await until(
          () => raw.leftovers(),
          ({ servers, ports, volumes }) => servers.length + ports.length + volumes.length === 0,
        );
        expect(left).toEqual(nothing);
      }
    });
  });
}
