import { createDistributions } from "@multicloud/testing";
import type { EngineHarness } from "@multicloud/testing/conformance";
import { type K3sOptions, k3s, type Rke2Options, rke2 } from "../src/index.js";
import { openEngineLab } from "./engine-lab.js";

type Options = K3sOptions & Rke2Options;

const distributions = {
  k3s: {
    make: (options: Options) => k3s(options),
    units: ["k3s", "k3s-agent"],
    version: "v1.35.6+k3s1",
  },
  rke2: {
    make: (options: Options) => rke2(options),
    units: ["rke2-server", "rke2-agent"],
    version: "v1.35.7+rke2r1",
  },
};

/** Emulated machines on which the two distributions can be installed, for the conformance suite. */
export async function openDistributionHarness(name: keyof typeof distributions): Promise<EngineHarness> {
  const { make, units, version } = distributions[name];
  const lab = await openEngineLab();
  const made = createDistributions(lab.world, lab.clusters);
  lab.world.machines.use(made.module);
  // Nothing waits in real time.
  const engine = (options: Options = {}) =>
    make({ attempts: 3, retryDelayMs: 5, readyTimeoutMs: 5_000, ...options });
  return {
    ...lab.harness,
    engine,
    things: () => [
      ...lab.fileThings(),
      ...lab.booted().flatMap((machine) =>
        units
          .map((unit) => `${machine}:${unit} ${lab.machine(machine).unitState(unit)}`)
          .filter((unit) => !unit.endsWith(" missing"))
          .map((unit) => ({ kind: "unit", name: unit })),
      ),
    ],
    secrets: () => [
      lab.operatorKey,
      ...made.clusters().flatMap(({ secret, serverCa }) => [secret, serverCa.keyPem]),
    ],
    async unfit(machine) {
      // A file where the program needs a directory.
      const { files } = lab.machine(machine);
      files.write("/var/lib/rancher", "");
      return async () => files.remove("/var/lib/rancher");
    },
    wrongOptions: () => [
      {
        plugin: engine({ verison: version } as Options),
        path: "verison",
        suggestion: "version",
        allowed: true,
      },
      { plugin: engine({ version: "1.35" }), path: "version", given: "1.35", suggestion: version },
      { plugin: engine({ serviceCidr: "10.42.7.0/24" }), path: "serviceCidr", given: "10.42.7.0/24" },
      { plugin: engine({ attempts: 0 }), path: "attempts", given: "0" },
      {
        plugin: engine({ agent: { "node-lable": ["a=b"] } } as Options),
        path: "agent.node-lable",
        suggestion: "node-label",
        allowed: true,
      },
    ],
    close: lab.close,
  };
}
