import type {
  CheckResult,
  ClusterEngine,
  EngineContext,
  EngineNode,
  EngineResult,
  PlannedNode,
  RemoteHost,
  Report,
} from "@multicloud/core/plugin";
import { createMortal } from "../mortal.js";
import type { EngineHarness } from "./harness.js";

/** One process of the operator that works on the cluster `lab`. */
export interface EngineProcess {
  readonly dead: boolean;
  check(nodes: readonly PlannedNode[]): Promise<CheckResult>;
  /** Connects to machines. */
  open(names: readonly string[]): Promise<readonly EngineNode[]>;
  /** Connects to those that are given by name. */
  up(nodes: readonly (string | EngineNode)[]): Promise<EngineResult>;
  reset(names: readonly string[]): Promise<void>;
  /** Fires the signal of its calls. */
  abort(reason: Error): void;
  /** Ends it as `kill -9` does: its connections break, and nothing of it goes on but what runs elsewhere already. */
  kill(): Promise<void>;
  /** Closes its connections. */
  close(): Promise<void>;
}

interface Listeners {
  report(report: Report): void;
  command(command: string): void;
  failed(error: unknown): void;
}

export function startProcess(
  harness: EngineHarness,
  engine: ClusterEngine,
  listeners: Listeners,
  machines: ReadonlySet<string>,
): EngineProcess {
  const mortal = createMortal();
  const stop = new AbortController();
  const hosts: RemoteHost[] = [];

  const dialer: EngineContext["dialer"] = async (target, options) => {
    const stream = await harness.dialer(target, options);
    mortal.onDeath(() => stream.destroy());
    return stream;
  };
  const context: EngineContext = {
    cluster: "lab",
    signal: stop.signal,
    dialer: mortal.guard(dialer),
    report: (report) => mortal.dead || listeners.report(report),
    state: mortal.guard(harness.state()),
    privateKeyFile: harness.privateKeyFile,
    knownHostsFile: harness.knownHostsFile,
    kubernetes: mortal.guard(async (kubeconfig: string, options?: Parameters<typeof harness.kubernetes>[1]) =>
      mortal.guard(await harness.kubernetes(kubeconfig, options)),
    ),
  };

  async function open(name: string): Promise<EngineNode> {
    const node = await harness.connect(name);
    hosts.push(node.host);
    const { host } = node;
    const watched: RemoteHost = {
      address: host.address,
      exec(command, options) {
        listeners.command(command);
        return host.exec(command, options);
      },
      readFile: (...args) => host.readFile(...args),
      writeFile: (...args) => host.writeFile(...args),
      forward: (...args) => host.forward(...args),
      close: () => host.close(),
    };
    return { ...node, host: mortal.guard(watched), probe: mortal.guard((signal) => node.probe(signal)) };
  }

  /** Machines that are there and not wanted any more, those of them that answer. */
  const leavingBeside = (nodes: readonly EngineNode[]) => async () => {
    const names = [...machines].filter((name) => !nodes.some((node) => node.name === name));
    const opened = await Promise.allSettled(names.map(open));
    return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  };

  async function run<T>(
    given: readonly (string | EngineNode)[],
    work: (nodes: readonly EngineNode[]) => Promise<T>,
  ): Promise<T> {
    const nodes = await Promise.all(given.map((node) => (typeof node === "string" ? open(node) : node)));
    try {
      return await work(nodes);
    } catch (error) {
      listeners.failed(error);
      throw error;
    }
  }

  return {
    get dead() {
      return mortal.dead;
    },
    check: (nodes) => engine.check(context, nodes),
    open: (names) => Promise.all(names.map(open)),
    up: (given) => run(given, (nodes) => engine.up({ ...context, leaving: leavingBeside(nodes) }, nodes)),
    reset: (names) => run(names, (nodes) => engine.reset(context, nodes)),
    abort: (reason) => stop.abort(reason),
    async kill() {
      mortal.kill();
      await Promise.allSettled(hosts.splice(0).map((host) => host.close()));
    },
    async close() {
      await Promise.all(hosts.splice(0).map((host) => host.close()));
      // What a killed process left behind is not to outlive the case.
      if (mortal.dead) stop.abort(new Error("the case is over"));
    },
  };
}
