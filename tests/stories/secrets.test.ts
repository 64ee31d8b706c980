import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { inspect } from "node:util";
import ssh2 from "ssh2";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { errorOf, eventsOf, filesBelow, type Lab, openLab } from "./lab.js";

const shape = { home: [1, 0], ramnode: [1, 0], digitalocean: [1, 1] } as const;

let lab: Lab;
let directory: string;
const commands: string[] = [];
beforeAll(async () => {
  lab = await openLab();
  directory = await mkdtemp(join(tmpdir(), "multicloud-secrets-"));
  const exec = ssh2.Client.prototype.exec;
  vi.spyOn(ssh2.Client.prototype, "exec").mockImplementation(function (
    this: ssh2.Client,
    ...args: unknown[]
  ) {
    commands.push(String(args[0]));
    return Reflect.apply(exec, this, args);
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await lab.close();
  await rm(directory, { recursive: true, force: true });
});

/** What must not be shown, with where it is from: tokens, passwords, and the lines of every private key. */
async function secrets(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const add = (what: string, secret: string | undefined) => {
    if (secret && secret.length >= 8) found.set(secret, what);
  };
  for (const [name, value] of Object.entries(lab.env)) if (name.endsWith("TOKEN")) add(name, value);
  for (const { name, cloudsYaml } of lab.services.openstacks) {
    add(`password of ${name}`, cloudsYaml.auth.password);
    add(`application credential of ${name}`, cloudsYaml.auth.application_credential_secret);
  }
  const files = (await filesBelow(lab.state())).filter(({ isDirectory }) => !isDirectory);
  for (const path of [...files.map(({ path }) => path), lab.home.jump.privateKeyFile]) {
    const text = await readFile(path, "utf8");
    for (const [, body = ""] of text.matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----([\s\S]*?)-----END/g))
      for (const line of body.split(/\\n|\n/)) if (line.trim().length > 40) add(path, line.trim());
    for (const [, data] of text.matchAll(/client-key-data: "?([^\s"]+)/g)) add(path, data);
  }
  return found;
}

function shown(all: ReadonlyMap<string, string>, text: string): string[] {
  const found = [...all].filter(([secret]) => text.includes(secret)).map(([, what]) => what);
  return text.includes("PRIVATE KEY-----") ? [...found, "a private key"] : found;
}

test("no secret is in an event or result, nor in a command on a machine or on this one", async () => {
  const log = join(directory, "log");
  const binary = join(directory, "rke");
  const real = join(lab.env.PATH!.split(delimiter)[0]!, "rke");
  await writeFile(binary, `#!/bin/sh\n{ echo "$0 $*"; env; } >> '${log}'\nexec '${real}' "$@"\n`);
  await chmod(binary, 0o755);
  vi.stubEnv("DIGITALOCEAN_TOKEN", lab.env.DIGITALOCEAN_TOKEN);
  const changes = { rke: { binary } };
  const told: unknown[] = [];
  for (const make of [
    () => lab.cluster(shape, changes).plan(),
    () => lab.cluster(shape, changes).up(),
    () => lab.cluster(shape, changes).up(),
    () => lab.cluster(shape, changes).status(),
    () => lab.cluster(shape, changes).inventory(),
    () => lab.cluster({ ...shape, digitalocean: [1, 0] }, changes).up(),
  ]) {
    const run = make();
    told.push(await eventsOf(run), await run);
  }
  vi.unstubAllEnvs();
  const all = await secrets();
  // A check of the check: they are found where they may be.
  expect(all.size).toBeGreaterThan(15);
  expect(shown(all, await readFile(lab.state("lab", "kubeconfig"), "utf8"))).not.toEqual([]);
  expect(commands.length).toBeGreaterThan(20);
  const rke = await readFile(log, "utf8");
  expect(rke).toContain("up --config");

  expect(shown(all, JSON.stringify(told))).toEqual([]);
  expect(shown(all, inspect(told, { depth: 20, maxArrayLength: null, maxStringLength: null }))).toEqual([]);
  expect(shown(all, commands.join("\n"))).toEqual([]);
  expect(shown(all, rke)).toEqual([]);
});

test("nor in an error, with all that is underneath", async () => {
  const all = new Map(await secrets());
  const wrong = "wrong-token-that-nobody-may-see";
  all.set(wrong, "the wrong token");
  const { jump } = lab.home;
  // It says all that it knows before it fails.
  const talkative = join(directory, "talkative");
  const state = lab.state("lab", "engine", "cluster.rkestate");
  await writeFile(
    talkative,
    `#!/bin/sh\n[ "$1" = --version ] && echo 'rke version v1.6.3' && exit\ncat '${state}'; env; exit 1\n`,
  );
  await chmod(talkative, 0o755);
  const errors = [];
  const told = [];
  for (const run of [
    () => lab.cluster(shape, { digitalocean: { token: wrong } }).up(),
    () => lab.cluster(shape, { zerotier: { token: wrong } }).up(),
    () => lab.cluster(shape, { cloudflare: { token: wrong } }).up(),
    () => lab.cluster(shape, { site: { home: { jump: { ...jump, user: "nobody" } } } }).up(),
    () =>
      lab.cluster(shape, { site: { home: { jump: { ...jump, port: 23 } } }, timing: { sshMs: 100 } }).up(),
    () => lab.cluster({ ...shape, digitalocean: [1, 2] }, { rke: { binary: talkative } }).up(),
    ...["home/keystone", "ramnode/nova", "digitalocean", "zerotier", "cloudflare"].map((service) => () => {
      lab.world.faults.add({ service, status: 418, body: "I am a teapot" });
      return lab.cluster(shape).up();
    }),
  ]) {
    const failing = run();
    told.push(await eventsOf(failing));
    errors.push(await errorOf(failing));
  }
  expect(shown(all, JSON.stringify(told))).toEqual([]);
  expect(shown(all, JSON.stringify(errors))).toEqual([]);
  expect(shown(all, inspect(errors, { depth: 20, maxArrayLength: null, maxStringLength: null }))).toEqual([]);
});
