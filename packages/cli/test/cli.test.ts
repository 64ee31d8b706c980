import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CliOptions, runCli } from "../src/index.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "multicloud-cli-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function cli(argv: string, options: Partial<CliOptions> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli({
    argv: argv.split(" ").filter(Boolean),
    cwd: directory,
    stdout: { write: (text: string) => out.push(text) > 0 },
    stderr: { write: (text: string) => err.push(text) > 0 },
    ...options,
  });
  return { code, out: out.join(""), err: err.join("") };
}

const kubeconfig = `apiVersion: v1
kind: Config
current-context: there
clusters: [{ name: there, cluster: { server: "https://192.0.2.1:6443" } }]
users: [{ name: admin, user: { token: t } }]
contexts: [{ name: there, context: { cluster: there, user: admin } }]
`;

/** A cluster that notes what is asked of it; its runs have no events. */
const fake = `
import { MulticloudError, ValidationError } from ${JSON.stringify(import.meta.resolve("@multicloud/core"))};
const run = (value, events = []) =>
  Object.assign(Promise.resolve(value), { async *[Symbol.asyncIterator]() { yield* events; } });
const asked: unknown[] = [];
(globalThis as { asked?: unknown[] }).asked = asked;
const note = (verb: string, value: unknown) => (options: unknown) => { asked.push([verb, options]); return run(value); };
const counts = { create: 0, replace: 0, delete: 0, keep: 1 };
const measured = {
  lost: "home",
  record: "*.apps.example.com",
  host: "drill.apps.example.com",
  before: ["203.0.113.1"],
  after: ["198.51.100.1"],
  recordSeconds: 5.25,
  clientSeconds: 12,
  timeline: [
    { seconds: 0.3, what: "home is lost" },
    { seconds: 5.25, what: "the record holds 198.51.100.1" },
    { seconds: 12, what: "the client has its answer" },
  ],
};
const change = {
  at: 65_000,
  type: "entrypoint-switch",
  record: "*.apps.example.com",
  from: ["203.0.113.1"],
  to: ["198.51.100.1"],
  reason: "203.0.113.1 is dead",
};
/** One change of the record, then nothing until it is stopped. */
const watching = ({ signal } = {}) => {
  asked.push(["watch", { signal: signal instanceof AbortSignal }]);
  const ended = new Promise((resolve, reject) => {
    if (signal) signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    else resolve(undefined);
  });
  ended.catch(() => {});
  const events = async function* () {
    yield change;
    globalThis.watched?.();
    await ended.catch(() => {});
  };
  return Object.assign(ended, { [Symbol.asyncIterator]: events });
};
export default async () => ({
  name: "lab",
  plan: note("plan", { actions: [], counts, unchanged: true }),
  up: note("up", { nodes: [], kubeconfig: "/k", timings: { totalMs: 1, criticalPath: [] } }),
  status: note("status", {
    nodes: [],
    silent: [],
    api: "answers",
    entrypoint: { name: "*.apps.example.com", addresses: ["203.0.113.7"] },
    gateways: [
      {
        site: "home",
        gateway: "haproxy",
        machine: { name: "lab-home-gateway-1", status: "running" },
        publicAddress: "203.0.113.7",
        state: "runs",
        backends: [{ node: "lab-home-worker-1", healthy: true }, { node: "lab-home-worker-2", healthy: false }],
      },
      { site: "attic", gateway: "haproxy", state: "unknown", error: new Error("it does not answer") },
    ],
  }),
  destroy: (options) => {
    const details = { code: "AUTH_FAILED" };
    if (options.forget.includes("refused"))
      throw new ValidationError([{ path: "sites.a.provider", message: "answered 401", ...details }], details);
    if (options.forget.includes("failed")) throw new MulticloudError("answered 401", details);
    return note("destroy", { machines: ["lab-a-worker-1"] })(options);
  },
  entrypoint: { watch: watching },
  drill: (options: unknown) => {
    asked.push(["drill", options]);
    return run(measured, [{ at: 2_000, type: "drill-moment", seconds: 0.3, what: "home is lost" }]);
  },
  kubeconfig: note("kubeconfig", ${JSON.stringify(kubeconfig)}),
  inventory: note("inventory", { ansible: () => "[masters]\\n", sshConfig: () => "", mermaid: () => "", toJSON: () => ({ machines: [] }) }),
});
`;
const asked = () => (globalThis as { asked?: unknown[] }).asked ?? [];

test("without a verb, or with --help, it says what there is", async () => {
  for (const argv of ["", "help", "--help", "up -h"]) {
    const { code, out } = await cli(argv);
    expect(code).toBe(0);
    expect(out).toContain("multicloud entrypoint watch");
  }
  expect(await cli("--version")).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+/) });
});

test("a wrong word is answered with the nearest one, before the configuration is looked for", async () => {
  expect(await cli("plam")).toMatchObject({ code: 2, err: expect.stringContaining("did you mean plan?") });
  expect(await cli("plan --jsn")).toMatchObject({
    code: 2,
    err: expect.stringContaining("did you mean --json?"),
  });
  expect(await cli("inventory -f ansibel")).toMatchObject({
    code: 2,
    err: expect.stringContaining("did you mean ansible?"),
  });
  expect(await cli("up now")).toMatchObject({ code: 2, err: expect.stringContaining("up takes no now") });
  expect(await cli("drill")).toMatchObject({ code: 2, err: expect.stringContaining("drill SITE") });
  expect(await cli("up --config")).toMatchObject({ code: 2, err: expect.stringContaining("--config") });
});

test("a missing file and one without a cluster say what to do", async () => {
  expect(await cli("plan")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/no multicloud\.config\.ts in .*--config/s),
  });
  expect(await cli("plan -c other.ts")).toMatchObject({ code: 2, err: expect.stringContaining("other.ts") });
  await writeFile(join(directory, "multicloud.config.ts"), "export default 3;");
  expect(await cli("plan")).toMatchObject({
    code: 2,
    err: expect.stringContaining("export default multicloud("),
  });
});

test("problems of the configuration are all told, with their paths", async () => {
  await writeFile(
    join(directory, "multicloud.config.ts"),
    "const name: string = 'No Label'; export default { name, sites: {} };",
  );
  const { code, err } = await cli("plan");
  expect(code).toBe(2);
  expect(err).toMatch(/name.*No Label/s);
  expect(err).toContain("sites");
});

test("status tells what the gateways do", async () => {
  await writeFile(join(directory, "multicloud.config.ts"), fake);
  const { out } = await cli("status");
  expect(out).toContain(
    "gateway of home: haproxy on lab-home-gateway-1 (running) at 203.0.113.7: runs, 1 of 2 workers answer\n" +
      "gateway of attic: haproxy at an unknown address: it does not answer\n",
  );
});

test("results go to stdout, as text or as JSON", async () => {
  await writeFile(join(directory, "multicloud.config.ts"), fake);
  expect(await cli("plan")).toMatchObject({ code: 0, out: "Nothing to do: 1 machine is as wanted.\n" });
  const { out } = await cli("plan --json");
  expect(JSON.parse(out)).toMatchObject({ type: "result", result: { unchanged: true } });
  expect(await cli("inventory --format ansible")).toMatchObject({ code: 0, out: "[masters]\n" });
  expect(await cli("inventory")).toMatchObject({ code: 0, out: '{\n  "machines": []\n}\n' });
  await cli("up --forget a --forget b");
  expect(asked().at(-1)).toEqual(["up", { forget: ["a", "b"] }]);
});

test("with --json every result is one line", async () => {
  await writeFile(join(directory, "multicloud.config.ts"), fake);
  const results = {
    "inventory --json": { machines: [] },
    "inventory --format ansible --json": "[masters]\n",
    "kubeconfig --json": kubeconfig,
  };
  for (const [argv, result] of Object.entries(results))
    expect(await cli(argv)).toMatchObject({
      code: 0,
      out: `${JSON.stringify({ type: "result", result })}\n`,
    });
});

test("whatever is found wrong before anything is changed ends with 2, a failure with 1", async () => {
  await writeFile(join(directory, "multicloud.config.ts"), fake);
  expect(await cli("destroy --confirm lab --forget refused")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^AUTH_FAILED: 1 problem found, nothing was changed/),
  });
  expect(await cli("destroy --confirm lab --forget failed")).toMatchObject({ code: 1 });
});

test("the kubeconfig is printed, or merged into the user's own, which keeps what it has", async () => {
  await writeFile(join(directory, "multicloud.config.ts"), fake);
  expect(await cli("kubeconfig")).toMatchObject({ code: 0, out: kubeconfig });
  await cli("kubeconfig lab-a-master-1");
  expect(asked().at(-1)).toEqual(["kubeconfig", { server: "lab-a-master-1" }]);

  const own = join(directory, "kube", "config");
  expect(await cli("kubeconfig --merge kube/config")).toMatchObject({ code: 0 });
  const made = await readFile(own, "utf8");
  expect(made).toContain("current-context: lab");
  expect((await stat(own)).mode & 0o777).toBe(0o600);
  await writeFile(own, `# mine\n${made}`);
  await cli("kubeconfig --merge kube/config");
  expect(await readFile(own, "utf8")).toBe(`# mine\n${made}`);
  expect(await readdir(join(directory, "kube"))).toEqual(["config"]);
});

test("nothing is lost without the cluster's name", async () => {
  await writeFile(join(directory, "multicloud.config.ts"), fake);
  expect(await cli("destroy")).toMatchObject({ code: 2, err: expect.stringContaining("--confirm lab") });
  expect(await cli("destroy --confirm lib")).toMatchObject({
    code: 2,
    err: expect.stringContaining("nothing was done"),
  });
  expect(asked()).toEqual([]);
  expect(await cli("destroy --confirm lab")).toMatchObject({ code: 0, out: "removed 1 machine\n" });

  const typed = (text: string) => Object.assign(new PassThrough().end(`${text}\n`), { isTTY: true });
  const stderr = new PassThrough();
  expect(await cli("destroy", { stdin: typed("no"), stderr })).toMatchObject({ code: 2 });
  expect(await cli("destroy", { stdin: typed("lab"), stderr })).toMatchObject({ code: 0 });
});

test("watch tells each change of the record as it goes, until it is stopped", async () => {
  await writeFile(join(directory, "multicloud.config.ts"), fake);
  const told = "→  *.apps.example.com: 203.0.113.1 → 198.51.100.1 (203.0.113.1 is dead)\n";
  for (const words of ["entrypoint watch", "watch"]) {
    const stop = new AbortController();
    (globalThis as { watched?: () => void }).watched = () => stop.abort(new Error("stopped by SIGINT"));
    const { code, out, err } = await cli(words, { signal: stop.signal });
    expect(asked().at(-1)).toEqual(["watch", { signal: true }]);
    expect([code, out]).toEqual([130, ""]);
    expect(err).toContain(told);
    expect(err).toContain("stopped by SIGINT");
  }
  const json = await cli("entrypoint watch --json");
  expect(asked().at(-1)).toEqual(["watch", { signal: false }]);
  expect(json).toMatchObject({ code: 0, err: "" });
  expect(
    json.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toMatchObject([{ type: "entrypoint-switch", to: ["198.51.100.1"] }]);
  expect(await cli("entrypoint wach")).toMatchObject({ code: 2, out: "" });
});

test("drill loses no site without the cluster's name, and tells what it measured", async () => {
  await writeFile(join(directory, "multicloud.config.ts"), fake);
  const refused = await cli("drill home");
  expect(refused).toMatchObject({ code: 2, out: "" });
  expect(refused.err).toContain("this cuts the power of all machines of home");
  expect(refused.err).toContain("--confirm lab");
  expect(await cli("drill home --confirm home")).toMatchObject({ code: 2, out: "" });
  expect(asked()).toEqual([]);

  const { code, out, err } = await cli("drill home --confirm lab");
  expect(code).toBe(0);
  expect(asked()).toEqual([["drill", { lose: "home", confirm: "lab" }]]);
  expect(err).toContain("home is lost (0.3 s after the loss)");
  expect(out.split("\n")).toEqual([
    "home was lost. *.apps.example.com was right after 5.3 s, https://drill.apps.example.com/ answered again after 12.0 s.",
    "AFTER   WHAT",
    "0.3 s   home is lost",
    "5.3 s   the record holds 198.51.100.1",
    "12.0 s  the client has its answer",
    "",
  ]);

  const json = (await cli("drill home --confirm lab --json")).out.trim().split("\n");
  expect(json.map((line) => JSON.parse(line))).toMatchObject([
    { type: "drill-moment", what: "home is lost" },
    {
      type: "result",
      result: { lost: "home", recordSeconds: 5.25, clientSeconds: 12, after: ["198.51.100.1"] },
    },
  ]);
});
