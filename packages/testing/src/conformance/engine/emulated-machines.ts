import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  Dialer,
  EngineNode,
  KubernetesConnect,
  RemoteHost,
  Role,
  StateStore,
} from "@multicloud/core/plugin";
import type { EmulatedClusters } from "../../kubernetes/kubernetes-cluster.js";
import type { RunningWorld } from "../../world/create-world.js";
import { generateKeyPair } from "../../world/key-pair.js";
import type { VirtualMachine } from "../../world/machines.js";
import type { CloudThing } from "../harness.js";
import type { EngineHarness, SeenFile } from "./harness.js";

/** The clients that the machines are reached with: the SDK's own, or yours. */
export interface EngineClients {
  /** `connect` of `@multicloud/ssh`. */
  ssh(options: {
    readonly host: string;
    readonly user: string;
    readonly privateKey: string;
    readonly hostKeys: readonly string[];
    readonly dialer: Dialer;
    readonly connectTimeoutMs: number;
    readonly signal?: AbortSignal;
  }): Promise<RemoteHost>;
  /** `connect` of `@multicloud/kubernetes`. Engines need it, overlays do not. */
  readonly kubernetes?: KubernetesConnect;
  /** `directoryStore` of `@multicloud/core`. Engines need it, overlays do not. */
  state?(directory: string): StateStore;
}

/** Emulated Debian machines, for the harness of an engine or an overlay. */
export interface EmulatedMachines {
  readonly world: RunningWorld;
  /** The Kubernetes clusters of this world, for emulators of what an engine installs. */
  readonly clusters: EmulatedClusters;
  /** All of an {@link EngineHarness} but `engine`, `things`, `secrets`, `unfit`, `wrongOptions`, `commands` and `close`. */
  readonly harness: Omit<EngineHarness, "engine" | "things" | "secrets" | "close">;
  /** A private directory on this machine, removed by `close`. */
  readonly directory: string;
  readonly stateDirectory: string;
  /** The operator's private key: a secret. */
  readonly operatorKey: string;
  /** Names of the machines that are there. */
  booted(): readonly string[];
  machine(name: string): VirtualMachine;
  /** All files that no Debian package, login or log has made: a start for `things`. */
  fileThings(): readonly CloudThing[];
  close(): Promise<void>;
}

const overlay = "conformance";
const overlayInterface = "ztabc";
/** Places whose content no engine has to tidy: installed packages, caches, logs, and what the kernel shows. */
const notOurs =
  /^\/(proc|sys|dev|run|tmp|boot|bin|lib|lib64|sbin|home|root|var\/(run|tmp|cache|log|lib\/(apt|dpkg|systemd|docker))|usr\/(bin|lib|share|sbin)|etc\/(apt|ssh|passwd|shadow|group|gshadow)[^/]*)(\/|$)/;

interface BootedMachine {
  readonly role: Role;
  readonly hostKey: string;
  readonly number: number;
}

/** Starts a world in which everything happens at once, without machines. */
export async function emulatedMachines(clients: EngineClients): Promise<EmulatedMachines> {
  const [{ createWorld }, { createKubernetesClusters }] = await Promise.all([
    import("../../world/create-world.js"),
    import("../../kubernetes/kubernetes-cluster.js"),
  ]);
  const world = createWorld();
  const clusters = createKubernetesClusters(world);
  const directory = await mkdtemp(join(tmpdir(), "multicloud-engine-"));
  const operator = generateKeyPair("operator");
  const privateKeyFile = join(directory, "key");
  await writeFile(privateKeyFile, operator.privateKey, { mode: 0o600 });
  const stateDirectory = join(directory, "state");
  const dialer: Dialer = (target, options) => world.network.dial({}, target, options?.signal);
  const booted = new Map<string, BootedMachine>();
  /** A name keeps its addresses, whichever machine has it. */
  const numbers = new Map<string, number>();
  const machine = (name: string): VirtualMachine => world.machines.get(name)!;

  function optionsOf(name: string) {
    const { hostKey, number } = booted.get(name)!;
    return {
      host: `203.0.113.${number}`,
      user: "debian",
      privateKey: operator.privateKey,
      hostKeys: [hostKey],
      dialer,
      connectTimeoutMs: 10_000,
    };
  }

  const harness = {
    async boot(name: string, role: Role) {
      const number = numbers.get(name) ?? numbers.size + 1;
      numbers.set(name, number);
      const hostKey = generateKeyPair("host");
      world.machines
        .boot({
          id: name,
          hostname: name,
          image: "debian-12",
          publicAddress: `203.0.113.${number}`,
          sshKeys: [operator.publicKey],
          hostKeys: [hostKey.privateKey],
        })
        .addOverlayAddress(overlay, `10.144.0.${number}`, overlayInterface);
      booted.set(name, { role, hostKey: hostKey.publicKey, number });
    },
    async discard(name: string) {
      world.machines.destroy(name);
      booted.delete(name);
    },
    async connect(name: string): Promise<EngineNode> {
      const { role, number } = booted.get(name)!;
      const options = optionsOf(name);
      const site = name.split("-")[1]!;
      return {
        name,
        site,
        role,
        labels: { "topology.kubernetes.io/region": site },
        jump: [],
        address: options.host,
        port: 22,
        user: "debian",
        publicAddress: options.host,
        overlayAddress: `10.144.0.${number}`,
        overlayInterface,
        host: await clients.ssh(options),
        probe: async (signal) => (await clients.ssh({ ...options, signal })).close(),
      };
    },
    state: () => clients.state?.(stateDirectory) ?? lacking("state"),
    loseState: () => rm(stateDirectory, { recursive: true, force: true }),
    privateKeyFile,
    knownHostsFile: join(directory, "known_hosts"),
    dialer,
    // As core does: the client dials as the run does.
    kubernetes: (kubeconfig) => clients.kubernetes?.(kubeconfig, { dialer }) ?? lacking("kubernetes"),
    writes: () => world.effects.all.length,
    onWrite: (listener) =>
      world.effects.listen(({ kind, action, name }) => listener(`${action} ${kind} ${name}`)),
    unreachable: (name) => world.machines.fault(name, "unreachable"),
    impostor: (name) => world.machines.fault(name, "other-host-key"),
    async files() {
      const onMachines = [...booted.keys()].flatMap((name) =>
        machine(name)
          .files.list()
          .flatMap(({ type, path, mode, content }): SeenFile[] =>
            type === "file" ? [{ path: `${name}:${path}`, mode, content: content ?? "" }] : [],
          ),
      );
      return [...onMachines, ...(await localFiles(stateDirectory))];
    },
  } satisfies EmulatedMachines["harness"];

  return {
    world,
    clusters,
    directory,
    stateDirectory,
    operatorKey: operator.privateKey,
    machine,
    booted: () => [...booted.keys()],
    harness,
    /** Files and directories that are nobody's but an engine's, one name each. */
    fileThings: () =>
      [...booted.keys()].flatMap((name) =>
        machine(name)
          .files.list()
          .filter(({ path, type }) => type !== "directory" && !notOurs.test(path))
          .map(({ path }) => ({ kind: "file", name: `${name}:${path}` })),
      ),
    async close() {
      clusters.close();
      world.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function lacking(client: keyof EngineClients): never {
  throw new Error(`emulatedMachines() was called without ${client}, which an engine's harness needs`);
}

async function localFiles(directory: string): Promise<SeenFile[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const { mode } = await stat(path);
        return { path, mode: mode & 0o777, content: await readFile(path, "utf8") };
      }),
  );
}
