import type { EmulatedClusters } from "../kubernetes/kubernetes-cluster.js";
import type { MachineModule, Unit, VirtualMachine, WebAnswer } from "../world/machines.js";
import type { World } from "../world/world.js";
import { startAgent } from "./agent.js";
import { readConfigFile } from "./config-file.js";
import { createDistributionClusters, type DistributionCluster } from "./distribution-cluster.js";
import { type Flavour, flavours } from "./flavour.js";
import { installPrograms } from "./install.js";
import { clusterAt } from "./join.js";
import { createReleaseSites } from "./releases.js";
import { startServer } from "./server.js";
import { StartFailure } from "./start-failure.js";

/** K3s and RKE2 on machines of the sandbox, with what a test looks at. */
export interface Distributions {
  readonly module: MachineModule;
  /** All clusters that somebody started: a second one is a mistake. */
  clusters(): readonly DistributionCluster[];
  readonly releases: ReturnType<typeof createReleaseSites>;
  /** What a unit has logged on a machine. */
  journal(machine: VirtualMachine, unit: string): readonly string[];
}

/**
 * The sites with the releases of K3s and RKE2, their installers, and what the units `k3s`, `k3s-agent`,
 * `rke2-server` and `rke2-agent` do: read `config.yaml`, begin or join a cluster with embedded etcd, register
 * their node, and serve the Kubernetes API.
 */
export function createDistributions(world: World, kubernetes: EmulatedClusters): Distributions {
  const clusters = createDistributionClusters(world, kubernetes);
  const releases = createReleaseSites();

  function journalOf(machine: VirtualMachine, unit: string): string[] {
    const key = `journal ${unit}`;
    const known = machine.attachments.get(key) as string[] | undefined;
    if (known) return known;
    const lines: string[] = [];
    machine.attachments.set(key, lines);
    return lines;
  }

  function unit(flavour: Flavour, isServer: boolean): Unit {
    const name = isServer ? flavour.serverUnit : flavour.agentUnit;
    const stopKey = `stop ${name}`;
    return {
      name,
      package: "",
      restartMs: 5_000,
      async start(machine, exited) {
        const journal = journalOf(machine, name);
        try {
          const program = machine.files.read(flavour.program) ?? "";
          const version = new RegExp(`^#!sandbox ${flavour.name}-(\\S+)\\n$`).exec(program)?.[1];
          if (!version) throw new StartFailure(`Failed to locate executable ${flavour.program}`);
          const config = readConfigFile(machine, flavour, isServer);
          for (const warning of config.warnings) journal.push(`level=warning msg="${warning}"`);
          journal.push(
            `level=info msg="Starting ${flavour.name} ${isServer ? "server" : "agent"} ${version}"`,
          );
          const start = {
            world,
            flavour,
            clusters,
            machine,
            config,
            version,
            exited: exited ?? (() => {}),
          };
          const stop = await (isServer ? startServer(start) : startAgent(start));
          machine.attachments.set(stopKey, stop);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          for (const line of reason.split("\n")) journal.push(`level=fatal msg="${line}"`);
          if (!(error instanceof StartFailure))
            journal.push("(a defect of the sandbox)", String((error as Error).stack));
          throw error;
        }
      },
      stop(machine) {
        (machine.attachments.get(stopKey) as (() => void) | undefined)?.();
        machine.attachments.delete(stopKey);
      },
    };
  }

  /** The CA certificates of a server, which anybody may ask for. */
  async function caCertificates(machine: VirtualMachine, url: URL): Promise<WebAnswer | undefined> {
    if (url.pathname !== "/cacerts") return undefined;
    const port = Number(url.port || 443);
    for (const flavour of flavours) {
      const cluster = await clusterAt(world, flavour, machine, url.hostname, port);
      if (cluster) return { status: 200, body: cluster.serverCa.certPem };
    }
    const stream = await machine.dial({ host: url.hostname, port });
    stream.on("error", () => {}).destroy();
    return undefined;
  }

  return {
    module: {
      packages: [],
      programs: installPrograms(),
      units: flavours.flatMap((flavour) => [unit(flavour, true), unit(flavour, false)]),
      web: async ({ machine, url }) => releases.answer(url) ?? (await caCertificates(machine, new URL(url))),
    },
    clusters: clusters.all,
    releases,
    journal: journalOf,
  };
}
