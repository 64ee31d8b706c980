import { expect, vi } from "vitest";
import { stoppedByTest } from "../abort-at.js";
import { expectUnsaid } from "../describe-cases.js";
import { type EntrypointCase, first, foreign, second } from "./case.js";
import { foreignImports, writeProgram } from "./program.js";
import { expectTold } from "./told.js";
import type { EntrypointTrial } from "./trial.js";

const never = new AbortController().signal;
/** All that a ConfigMap holds. */
const mostBytes = 1_048_576;

/** The same record, kept from inside the cluster. */
export const inClusterCases: readonly EntrypointCase[] = [
  {
    name: "its program is one ES module that imports nothing but Node's own and needs no WebAssembly",
    needs: ["inCluster"],
    async run(trial) {
      const source = await trial.inCluster!.program();
      expect(foreignImports(source), "imports that an agent's pod does not have").toEqual([]);
      expect(Buffer.byteLength(source), "bytes, which have to fit into a ConfigMap").toBeLessThan(mostBytes);
      const program = await writeProgram(source);
      const type = await program.typeInAgent().catch((error: unknown) => error);
      await program.close();
      expect(type, "its export openRecord").toBe("function");
      const fetch = vi.spyOn(globalThis, "fetch");
      try {
        await (await trial.openInCluster()).set(first, never);
        expect(fetch.mock.calls, "calls of fetch, which needs WebAssembly").toEqual([]);
      } finally {
        fetch.mockRestore();
      }
    },
  },
  {
    name: "its settings are plain JSON, and no secret is in them or in its program",
    needs: ["inCluster"],
    async run(trial) {
      const { settings, program, secrets } = trial.inCluster!;
      const open = JSON.stringify(settings);
      expect(JSON.parse(open), "settings after a way through a ConfigMap").toStrictEqual(settings);
      const names = Object.keys(secrets());
      // Keys of a Kubernetes Secret.
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
      expectUnsaid(open, [...trial.secrets(), ...Object.values(secrets())], "what its settings say");
      expectUnsaid(await program(), trial.secrets(), "its program");
    },
  },
  {
    name: "it reads and writes the same record as the operator's half",
    needs: ["inCluster"],
    async run(trial) {
      const record = await trial.openInCluster();
      expect(await record.get(never)).toEqual([]);
      expect(await record.set([...first].reverse(), never)).toBe(true);
      expect((await trial.get())?.addresses).toEqual(first);
      expect(await trial.seen()).toEqual(first);
      const byAgent = await trial.lines();
      await trial.set(second);
      expect(await record.get(never)).toEqual(second);
      await trial.set(first);
      expect(await trial.lines(), "what the operator's half writes").toEqual(byAgent);
      await trial.remove();
      expect(await record.get(never)).toEqual([]);
      expect(await record.set(second, never), "set after it was removed").toBe(true);
      expect(await trial.seen()).toEqual(second);
    },
  },
  {
    name: "it writes nothing when nothing changed, whoever set the record",
    needs: ["inCluster"],
    async run(trial) {
      await trial.set(first);
      const before = await trial.lines();
      const record = await trial.openInCluster();
      const writes = await trial.writesOf(async () => {
        expect(await record.set(first, never)).toBe(false);
        expect(await record.set([...first].reverse(), never)).toBe(false);
        await record.get(never);
        expect(await (await trial.openInCluster()).set(first, never), "by another agent").toBe(false);
        expect((await trial.set(first)).changed, "by the operator's half").toBe(false);
      });
      expect(writes).toBe(0);
      expect(await trial.lines()).toEqual(before);
    },
  },
  {
    name: "it takes over no address without our mark",
    needs: ["inCluster", "makeForeign"],
    async run(trial) {
      await trial.makeForeign!(trial.entrypoint("www").record, foreign);
      await expectKeptOut(trial);
    },
  },
  {
    name: "it takes over no record of another cluster",
    needs: ["inCluster"],
    async run(trial) {
      await trial.set(first, { cluster: "lab-2" });
      await expectKeptOut(trial);
    },
  },
  {
    name: "it asks for a secret before each use, so that one that was exchanged meanwhile is used",
    needs: ["inCluster", "wrongCredentials"],
    async run(trial) {
      const right = { ...trial.inCluster!.secrets() };
      const wrong = { ...trial.wrongCredentials!("www").inCluster!.secrets() };
      const secrets = { ...wrong };
      const record = await trial.openInCluster({}, secrets);
      const before = await trial.lines();
      expectTold(await trial.errorOf(record.get(never)), "get with a wrong secret", ["AUTH_FAILED"]);
      expectTold(await trial.errorOf(record.set(first, never)), "set with a wrong secret", ["AUTH_FAILED"]);
      expect(await trial.lines()).toEqual(before);
      Object.assign(secrets, right);
      const set = await record.set(first, never).catch((error: unknown) => error);
      expect(set, "set with the secret that is right now").toBe(true);
      Object.assign(secrets, wrong);
      expectTold(await trial.errorOf(record.set(second, never)), "set with a former secret", ["AUTH_FAILED"]);
      expect(await trial.seen()).toEqual(first);
    },
  },
  {
    name: "it stops with its signal's reason: before it changes anything when that has fired already",
    needs: ["inCluster"],
    async run(trial) {
      await trial.set(first);
      const record = await trial.openInCluster();
      const stopped = AbortSignal.abort(stoppedByTest);
      const writes = await trial.writesOf(async () => {
        expect(await trial.errorOf(record.get(stopped)), "get rejects").toBe(stoppedByTest);
        expect(await trial.errorOf(record.set(second, stopped)), "set rejects").toBe(stoppedByTest);
      });
      expect(writes).toBe(0);
      expect(await trial.seen()).toEqual(first);
      // A signal that fired for one call is none of the next one's.
      expect(await record.set(second, never)).toBe(true);
    },
  },
  {
    name: "a set of its that is aborted at its first change is finished by the next one",
    needs: ["inCluster", "onWrite"],
    async run(trial) {
      await trial.set(second);
      const whole = await trial.lines();
      await trial.set(first);
      const record = await trial.openInCluster();
      const abort = new AbortController();
      const unlisten = trial.onWrite!(() => abort.abort(stoppedByTest));
      const error = await record.set(second, abort.signal).catch((thrown: unknown) => thrown);
      unlisten();
      // The first change may be the last one too.
      if (error !== true)
        expect(error, "an aborted set rejects with the signal's reason").toBe(stoppedByTest);
      await record.set(second, never);
      expect(await record.get(never)).toEqual(second);
      expect(await trial.lines()).toEqual(whole);
    },
  },
  {
    name: "while nobody at the service answers it says so by the code, and goes on when it is back",
    needs: ["inCluster", "outage"],
    async run(trial) {
      const record = await trial.openInCluster();
      await record.set(first, never);
      const mend = trial.outage!();
      const codes = ["SERVICE_UNREACHABLE", "SERVICE_FAILED", "TIMEOUT"] as const;
      expectTold(await trial.errorOf(record.get(never)), "get", codes);
      expectTold(await trial.errorOf(record.set(second, never)), "set", codes);
      mend();
      expect(await record.get(never)).toEqual(first);
      expect(await record.set(second, never)).toBe(true);
      expect(await trial.seen()).toEqual(second);
    },
  },
];

/** The name is somebody else's: the half in the cluster says so, and leaves it. */
async function expectKeptOut(trial: EntrypointTrial): Promise<void> {
  const before = await trial.lines();
  const record = await trial.openInCluster();
  expect(await record.get(never), "addresses that are ours").toEqual([]);
  expectTold(await trial.errorOf(record.set(second, never)), "set", ["CONFLICT"]);
  expect(await trial.lines(), "what somebody else has").toEqual(before);
}
