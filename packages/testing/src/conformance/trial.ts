import { randomUUID } from "node:crypto";
import type {
  Machine,
  MachineRequest,
  MachineRole,
  Provider,
  SharedRequest,
  SiteContext,
} from "@multicloud/core/plugin";
import { expect } from "vitest";
import { generateKeyPair } from "../world/key-pair.js";
import type { CloudThing, ProviderHarness, ProviderSuite } from "./harness.js";
import { openNotes } from "./notes.js";

/** One case's cloud with what most cases do to it. Remembers every report and error, to look for secrets in them. */
export interface Trial extends ProviderHarness {
  readonly suite: ProviderSuite;
  /** Most machines that this case may have at the same time. */
  readonly machines: number;
  context(more?: Partial<Pick<SiteContext, "cluster" | "site" | "signal">>): SiteContext;
  /** Requests for machines with consecutive names, from 1. */
  batch(count: number, more?: RequestOptions): MachineRequest[];
  shared(): SharedRequest;
  /** `create` in batches as large as the provider takes, after `ensureShared`. */
  up(provider: Provider, context: SiteContext, requests: readonly MachineRequest[]): Promise<void>;
  /** Deletes all that `list` shows, waits until it is gone, and deletes what the site shares. */
  destroy(provider: Provider, context: SiteContext): Promise<void>;
  /** Lists until it is as wanted. */
  until(
    provider: Provider,
    context: SiteContext,
    wanted: (machines: readonly Machine[]) => boolean,
  ): Promise<readonly Machine[]>;
  /** How often each machine name is there, whoever's it is. */
  machineNames(): Promise<string[]>;
  /** The error of a call that has to fail. */
  errorOf(work: Promise<unknown>): Promise<unknown>;
  /** Forgets how a call ended; its error is still looked at for secrets. */
  settled(work: Promise<unknown>): Promise<void>;
  /** Everything that was said, as text. */
  said(): string;
}

export interface RequestOptions {
  readonly role?: MachineRole;
  readonly spec?: string;
  readonly cluster?: string;
  readonly site?: string;
}

const settleMs = 30_000;
const pauseMs = 10;

export async function openTrial(suite: ProviderSuite): Promise<Trial> {
  const harness = await suite.create();
  const notes = openNotes();
  const bootSecret = `boot-secret-${randomUUID()}`;
  const secrets = [...harness.secrets, bootSecret];
  const shared: SharedRequest = {
    sshPublicKey: generateKeyPair("lab").publicKey,
    firewall: [
      { protocol: "tcp", port: 22 },
      { protocol: "tcp", port: 6443, sources: ["203.0.113.0/24"] },
      { protocol: "udp", port: 9993 },
    ],
  };
  const never = new AbortController().signal;

  const trial: Trial = {
    ...harness,
    secrets,
    suite,
    machines: suite.machines ?? 12,
    context: (more = {}) => ({
      cluster: "lab",
      site: "ocean",
      signal: never,
      dialer:
        harness.dialer ??
        (() => Promise.reject(new Error("the harness has no dialer, so nothing can be dialled"))),
      report: notes.add,
      ...more,
    }),
    batch: (count, { role = "worker", spec = "spec-1", cluster = "lab", site = "ocean" } = {}) =>
      Array.from({ length: count }, (_, index) => ({
        name: `${cluster}-${site}-${role}-${index + 1}`,
        role,
        ...harness.shape(role),
        spec,
        userData: `#cloud-config\nwrite_files: [{ path: /etc/one-time, content: ${bootSecret} }]\n`,
        boot: {
          users: [{ name: "operator", sudo: true, authorizedKeys: [shared.sshPublicKey] }],
          files: [{ path: "/etc/one-time", content: `${bootSecret}\n`, mode: "0600" }],
        },
      })),
    shared: () => shared,
    async up(provider, context, requests) {
      await provider.ensureShared(context, shared);
      const size = provider.createBatch ?? 1;
      const roles = [...new Set(requests.map(({ role }) => role))];
      for (const pool of roles.map((role) => requests.filter((request) => request.role === role))) {
        for (let start = 0; start < pool.length; start += size) {
          await provider.create(context, pool.slice(start, start + size));
        }
      }
    },
    async destroy(provider, context) {
      await provider.delete(context, await provider.list(context));
      await trial.until(provider, context, (machines) => machines.length === 0);
      await provider.deleteShared(context);
    },
    async until(provider, context, wanted) {
      const deadline = Date.now() + settleMs;
      for (;;) {
        const machines = await provider.list(context);
        if (wanted(machines)) return machines;
        if (Date.now() > deadline) {
          expect.fail(
            `list() did not become what was waited for in ${settleMs / 1000} s; the last one: ${JSON.stringify(machines)}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    },
    machineNames: async () =>
      (await harness.things())
        .filter(({ kind }) => kind === "machine")
        .map(({ name }) => name)
        .sort(),
    errorOf: notes.errorOf,
    settled: notes.settled,
    said: notes.said,
  };
  return trial;
}

/** Things as text, so that a difference names them. */
export function asLines(things: readonly CloudThing[]): string[] {
  return things.map(({ kind, name, state }) => [kind, name, state].filter(Boolean).join(" ")).sort();
}
