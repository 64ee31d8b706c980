import {
  applyFragment,
  type CallContext,
  type Overlay,
  type OverlayAddress,
  type OverlayNetwork,
  type RemoteHost,
} from "@multicloud/core/plugin";
import type { Case } from "../describe-cases.js";
import { openNotes } from "../notes.js";
import { asLines } from "../trial.js";
import type { OverlayAbility, OverlayHarness, OverlayNode, OverlaySuite } from "./harness.js";

/** One thing that every overlay has to do. */
export type OverlayCase = Case<OverlayTrial, OverlayAbility>;

/** One case's service with what most cases do to it. Remembers everything said and every command. */
export interface OverlayTrial extends Omit<OverlayHarness, "secrets"> {
  context(more?: Partial<Pick<CallContext, "cluster" | "signal">>): CallContext;
  /** The network of the cluster `lab`, made if that is the overlay's way. */
  ensure(): Promise<OverlayNetwork>;
  /** Starts machines that ask to join, as core boots them. */
  joining(network: OverlayNetwork, ...names: readonly string[]): Promise<void>;
  /** A machine by name, its connection opened at first use. */
  node(name: string): Promise<OverlayNode>;
  /** `admit` in a process of its own. */
  admit(network: OverlayNetwork, name: string, context?: CallContext): Promise<OverlayAddress>;
  /** Everything that there is, one line each. */
  lines(): Promise<readonly string[]>;
  /** Puts all members out and removes the network, in a process of its own. */
  destroy(context?: CallContext): Promise<void>;
  /** The error of a call that has to fail. */
  errorOf(work: Promise<unknown>): Promise<unknown>;
  /** Forgets how a call ended; its error is still looked at for secrets. */
  settled(work: Promise<unknown>): Promise<void>;
  /** Notes a text that must not have a secret. */
  note(text: string): void;
  said(): string;
  secrets(): readonly string[];
  /** Changes that something asked of the service. */
  writesOf(work: () => Promise<unknown>): Promise<number>;
}

export async function openTrial(suite: OverlaySuite): Promise<OverlayTrial> {
  const harness = await suite.create();
  const notes = openNotes();
  const hosts = new Map<string, Promise<RemoteHost>>();
  const never = new AbortController().signal;

  async function nodeOf(name: string): Promise<OverlayNode> {
    const opening = hosts.get(name) ?? harness.connect(name);
    hosts.set(name, opening);
    const host = await opening;
    return {
      name,
      host: {
        address: host.address,
        exec(command, options) {
          notes.add(command);
          return host.exec(command, options);
        },
        readFile: (...args) => host.readFile(...args),
        writeFile: (...args) => host.writeFile(...args),
        forward: (...args) => host.forward(...args),
        close: () => host.close(),
      },
    };
  }
  async function hangUp(name: string): Promise<void> {
    const opened = hosts.get(name);
    hosts.delete(name);
    await (await opened)?.close();
  }

  const trial: OverlayTrial = {
    ...harness,
    secrets: () => harness.secrets,
    context: (more = {}) => ({
      cluster: "lab",
      signal: never,
      dialer:
        harness.dialer ??
        (() => Promise.reject(new Error("the harness has no dialer, so nothing can be dialled"))),
      report: notes.add,
      ...more,
    }),
    ensure: () => harness.overlay().ensure(trial.context()),
    async joining(network, ...names) {
      const fragment = harness.overlay().boot(network);
      notes.add(fragment);
      await Promise.all(
        names.map(async (name) => {
          await harness.boot(name);
          await applyFragment((await nodeOf(name)).host, fragment);
        }),
      );
    },
    node: nodeOf,
    async discard(name) {
      await hangUp(name);
      await harness.discard(name);
    },
    admit: async (network, name, context = trial.context()) =>
      harness.overlay().admit(context, network, await nodeOf(name)),
    lines: async () => asLines(await harness.things()),
    async destroy(context = trial.context()) {
      const overlay: Overlay = harness.overlay();
      await overlay.remove(context, await overlay.members(context));
      await overlay.destroy(context);
    },
    errorOf: notes.errorOf,
    settled: notes.settled,
    note: notes.add,
    said: notes.said,
    async writesOf(work) {
      const before = harness.writes();
      await work();
      return harness.writes() - before;
    },
    async close() {
      await Promise.all([...hosts.keys()].map(hangUp));
      await harness.close();
    },
  };
  return trial;
}
