import { X509Certificate } from "node:crypto";
import {
  applyFragment,
  type ClusterEngine,
  type EngineNode,
  type EngineResult,
} from "@multicloud/core/plugin";
import { expect } from "vitest";
import { parse } from "yaml";
import { openNotes } from "../notes.js";
import type { EngineHarness, EngineSuite } from "./harness.js";
import { type EngineProcess, startProcess } from "./process.js";

/** One case's place with what most cases do to it. Remembers everything said and every command. */
export interface EngineTrial extends EngineHarness {
  readonly suite: EngineSuite;
  /** Starts machines and prepares them as core does. */
  prepared(...names: readonly string[]): Promise<void>;
  /** A new process of the operator. It ends with the case at the latest. */
  start(engine?: ClusterEngine): EngineProcess;
  /** `up` in a process of its own. */
  up(...names: readonly string[]): Promise<EngineResult>;
  reset(...names: readonly string[]): Promise<void>;
  /** The cluster behind a kubeconfig: who it is, and its nodes. */
  look(result: EngineResult): Promise<Picture>;
  /** `up` again by a new process: nothing is changed and nothing written. */
  expectSettled(...names: readonly string[]): Promise<void>;
  /** Names of what is on the machines. */
  names(): Promise<readonly string[]>;
  /** The error of a call that has to fail. */
  errorOf(work: Promise<unknown>): Promise<unknown>;
  said(): string;
  /** All commands that the engine gave to nodes. */
  nodeCommands(): readonly string[];
}

/** What of a cluster stays the same as long as it is the same. */
export interface Picture {
  /** SHA-256 fingerprint of the certificate authority: what makes it this cluster. */
  readonly authority: string;
  /** Names of the nodes that are Ready, sorted. */
  readonly ready: readonly string[];
  /** Names of the others. */
  readonly others: readonly string[];
  /** `name address` of all, sorted. */
  readonly addresses: readonly string[];
}

export async function openTrial(suite: EngineSuite): Promise<EngineTrial> {
  const harness = await suite.create();
  const notes = openNotes();
  const commands: string[] = [];
  const processes: EngineProcess[] = [];
  const machines = new Set<string>();

  const start = (engine = harness.engine()) => {
    const process = startProcess(
      harness,
      engine,
      {
        report: notes.add,
        command: (command) => void commands.push(command),
        failed: notes.error,
      },
      machines,
    );
    processes.push(process);
    return process;
  };
  /** Runs something in a process that is new and ends with it. */
  async function during<T>(work: (process: EngineProcess) => Promise<T>): Promise<T> {
    const process = start();
    try {
      return await work(process);
    } finally {
      await process.close();
    }
  }

  const trial: EngineTrial = {
    ...harness,
    suite,
    start,
    async prepared(...names) {
      await Promise.all(
        names.map(async (name) => {
          await harness.boot(name, roleOf(name));
          machines.add(name);
          const node = await harness.connect(name);
          try {
            const engine = harness.engine();
            const fragments = [engine.boot?.(node), engine.prepare(node, node.user)];
            for (const fragment of fragments) if (fragment) await applyFragment(node.host, fragment);
          } finally {
            await node.host.close();
          }
        }),
      );
    },
    async discard(name) {
      machines.delete(name);
      await harness.discard(name);
    },
    up: (...names) => during((process) => process.up(names)),
    reset: (...names) => during((process) => process.reset(names)),
    async look({ kubeconfig }) {
      const api = await harness.kubernetes(kubeconfig);
      try {
        const nodes = await api.nodes();
        return {
          authority: authorityOf(kubeconfig),
          ready: nodes.flatMap(({ name, ready }) => (ready ? [name] : [])).sort(),
          others: nodes.flatMap(({ name, ready }) => (ready ? [] : [name])).sort(),
          addresses: nodes.map(({ name, internalAddress }) => `${name} ${internalAddress}`).sort(),
        };
      } finally {
        await api.close();
      }
    },
    async expectSettled(...names) {
      const writes = harness.writes();
      const { changed } = await trial.up(...names);
      expect(changed, "up() of what is right says that it changed something").toBe(false);
      expect(harness.writes() - writes, "changes on the machines by an up() of what is right").toBe(0);
    },
    names: async () => (await harness.things()).map(({ kind, name }) => `${kind} ${name}`).sort(),
    errorOf: notes.errorOf,
    said: notes.said,
    nodeCommands: () => commands,
    async close() {
      for (const process of processes) await process.close();
      await harness.close();
    },
  };
  return trial;
}

/** Masters and workers are told apart by their names. */
export function roleOf(name: string): EngineNode["role"] {
  return name.includes("master") ? "master" : "worker";
}

/** Fingerprint of the certificate authority that a kubeconfig trusts. */
function authorityOf(kubeconfig: string): string {
  const { clusters } = parse(kubeconfig) as {
    clusters?: readonly { cluster?: Readonly<Record<string, string>> }[];
  };
  const data = clusters?.[0]?.cluster?.["certificate-authority-data"];
  if (!data) expect.fail("the kubeconfig has no certificate-authority-data: it must stand on its own");
  return new X509Certificate(Buffer.from(data, "base64")).fingerprint256;
}
