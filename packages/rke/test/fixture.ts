import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineContext, EngineNode, RemoteHost, Report } from "@multicloud/core/plugin";
import ssh2 from "ssh2";
import { directoryStore } from "../../core/src/state/directory-store.js";
import { dockerModule } from "../../testing/src/rke/docker/module.js";
import { createRkeTool } from "../../testing/src/rke/tool/rke-tool.js";
import { createNetwork } from "../../testing/src/world/network-fabric.js";
import { fakeWorld } from "../../testing/test/fake-world.js";
import { type RkeOptions, rke } from "../src/index.js";
import { fakeClusters, fakeConnect } from "./fake-kubernetes.js";
import { type FakeMachine, fakeMachine } from "./fake-machine.js";

const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const privateKey = keys.privateKey.export({ type: "pkcs1", format: "pem" }) as string;
const publicKey = (() => {
  const parsed = ssh2.utils.parseKey(privateKey) as ssh2.ParsedKey;
  return `${parsed.type} ${parsed.getPublicSSH().toString("base64")}`;
})();

/** Three masters and two workers, reachable from the operator, with an emulated `rke`. */
export async function setUp(options: RkeOptions = {}, names = defaultNames) {
  const directory = await mkdtemp(join(tmpdir(), "rke-test-"));
  const bare = fakeWorld();
  const network = createNetwork(bare.clock, bare.timing);
  const world = { ...bare, network };
  const clusters = fakeClusters();
  const tool = await createRkeTool(world, clusters);
  const engine = rke({ binary: tool.binary, retryDelayMs: 0, attempts: 2, ...options });
  const machines = new Map<string, FakeMachine>();
  const remoteWrites: string[] = [];
  const reports: Report[] = [];
  const privateKeyFile = join(directory, "key");
  await writeFile(privateKeyFile, privateKey, { mode: 0o600 });

  function addNode(name: string): EngineNode {
    const index = machines.size + 1;
    const publicAddress = `203.0.113.${index}`;
    const overlayAddress = `10.144.0.${index}`;
    const fake = fakeMachine(world, {
      name,
      publicAddress,
      overlayAddress,
      interfaceName: "ztabc",
      publicKey,
    });
    machines.set(name, fake);
    dockerModule(world, clusters)
      .units?.find((unit) => unit.name === "docker")
      ?.start?.(fake.machine);
    return {
      name,
      site: name.split("-")[1] ?? "",
      role: name.includes("master") ? "master" : "worker",
      labels: { "topology.kubernetes.io/region": name.split("-")[1] ?? "" },
      jump: [],
      address: publicAddress,
      port: 22,
      user: "debian",
      publicAddress,
      overlayAddress,
      overlayInterface: "ztabc",
      host: remoteHost(fake, publicAddress, remoteWrites),
      probe: async (signal) => {
        const stream = await network.dial({}, { host: publicAddress, port: 22 }, signal);
        stream.on("error", () => {}).destroy();
      },
    };
  }

  const nodes = names.map(addNode);
  const dialer: EngineContext["dialer"] = (target, dial) => network.dial({}, target, dial?.signal);
  const stateDirectory = join(directory, "state");
  function context(overrides: Partial<EngineContext> = {}): EngineContext {
    return {
      cluster: "lab",
      signal: AbortSignal.timeout(20_000),
      dialer,
      report: (report) => void reports.push(report),
      state: directoryStore(stateDirectory),
      privateKeyFile,
      knownHostsFile: join(directory, "known_hosts"),
      kubernetes: fakeConnect(dialer),
      ...overrides,
    };
  }
  return {
    engine,
    world,
    clusters,
    tool,
    nodes,
    machines,
    context,
    addNode,
    reports,
    remoteWrites,
    directory,
    privateKey,
    stateDirectory,
    engineFile: (name: string) => readFile(join(stateDirectory, "engine", name), "utf8"),
    enginePath: (name: string) => join(stateDirectory, "engine", name),
    /** Forgets everything on the operator's machine. */
    loseState: () => rm(stateDirectory, { recursive: true, force: true }),
    logs: () => reports.flatMap((report) => (report.type === "log" ? [report.message] : [])),
    runs: () => world.effects.all.filter((effect) => effect.kind === "engine").length,
    async close() {
      await tool.close();
      network.close();
      world.clock.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const defaultNames = [
  "lab-a-master-1",
  "lab-b-master-1",
  "lab-c-master-1",
  "lab-a-worker-1",
  "lab-b-worker-1",
];

function remoteHost(fake: FakeMachine, address: string, writes: string[]): RemoteHost {
  const { disk } = fake;
  return {
    address,
    async exec(command) {
      const [program, ...args] = command.split(" ");
      if (program === "rm") {
        for (const path of args) disk.delete(path);
        return { stdout: "", stderr: "", code: 0, signal: undefined };
      }
      const lines = args.flatMap((path) => {
        const content = disk.get(path);
        return content === undefined
          ? []
          : [`${createHash("sha256").update(content).digest("hex")}  ${path}`];
      });
      return {
        stdout: `${lines.join("\n")}\n`,
        stderr: "",
        code: lines.length === args.length ? 0 : 1,
        signal: undefined,
      };
    },
    async readFile(path) {
      const content = disk.get(path);
      if (content === undefined) throw new Error(`${path} does not exist`);
      return Buffer.from(content);
    },
    async writeFile(path, data, options) {
      writes.push(`${path} ${options?.mode} ${options?.owner}`);
      disk.set(path, Buffer.from(data as string).toString());
    },
    forward: () => Promise.reject(new Error("not emulated")),
    close: async () => {},
  };
}
