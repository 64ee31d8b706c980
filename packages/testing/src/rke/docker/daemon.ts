import { randomBytes } from "node:crypto";
import type { VirtualMachine } from "../../world/machines.js";
import type { World } from "../../world/world.js";
import type { KubernetesClusters } from "../clusters.js";
import { programs } from "../containers/programs.js";
import type { Container, ContainerSpec } from "./container.js";

/** The Docker daemon of one machine. Its containers and images outlive it, as on a disk. */
export interface DockerDaemon {
  readonly machine: VirtualMachine;
  readonly containers: ReadonlyMap<string, Container>;
  readonly images: Set<string>;
  /** By full id, a prefix of it, or name. */
  find(reference: string): Container | undefined;
  create(name: string, spec: ContainerSpec): Container;
  start(container: Container): Promise<void>;
  stop(container: Container): void;
  remove(container: Container): void;
  /** Starts what ran before the machine or the daemon went down. */
  resume(): Promise<void>;
  /** Ends all programs without forgetting that they are to run. */
  suspend(): void;
}

const attachment = "docker";

/** The daemon of a machine, the same one each time. */
export function daemonOf(machine: VirtualMachine, world: World, clusters: KubernetesClusters): DockerDaemon {
  const known = machine.attachments.get(attachment) as DockerDaemon | undefined;
  if (known) return known;
  const daemon = createDaemon(machine, world, clusters);
  machine.attachments.set(attachment, daemon);
  return daemon;
}

function createDaemon(machine: VirtualMachine, world: World, clusters: KubernetesClusters): DockerDaemon {
  const containers = new Map<string, Container>();
  const toResume = new Set<Container>();

  function running(name: string): Container | undefined {
    return [...containers.values()].find((other) => other.name === name && other.status === "running");
  }

  async function start(container: Container): Promise<void> {
    const program = programs[container.name] ?? programs["*"]!;
    const { spec } = container;
    container.status = "running";
    container.logs = "";
    const state = await program({ world, clusters, machine, spec, running });
    if ("end" in state) {
      // It may have been stopped while it was starting.
      if (container.status === "running") container.end = state.end;
      else state.end();
      return;
    }
    container.status = "exited";
    container.exitCode = state.exitCode;
    container.logs = state.logs;
  }

  function stop(container: Container): void {
    toResume.delete(container);
    if (container.status !== "running") return;
    container.status = "exited";
    container.exitCode = 137;
    container.end?.();
    container.end = undefined;
  }

  return {
    machine,
    containers,
    images: new Set(),
    find(reference) {
      return [...containers.values()].find(
        (container) =>
          container.name === reference || (reference.length >= 4 && container.id.startsWith(reference)),
      );
    },
    create(name, spec) {
      const id = randomBytes(32).toString("hex");
      const container: Container = { id, name, spec, status: "created", exitCode: 0, logs: "" };
      containers.set(id, container);
      return container;
    },
    start,
    stop,
    remove(container) {
      stop(container);
      containers.delete(container.id);
    },
    async resume() {
      for (const container of [...toResume]) {
        toResume.delete(container);
        await start(container);
      }
    },
    suspend() {
      for (const container of containers.values()) {
        if (container.status !== "running") continue;
        stop(container);
        if (container.spec.restart) toResume.add(container);
      }
    },
  };
}
