import { readFile, rename, rm } from "node:fs/promises";
import { generateKeyPair } from "@multicloud/ssh";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorOf, eventsOf, type Lab, openLab } from "./lab.js";

const shape = { home: [1, 0], digitalocean: [0, 2] } as const;
const impatient = { timing: { sshMs: 4_000 } };

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const engineEffects = (from: number) =>
  lab.effectsSince(from).filter((effect) => /^(rke|docker|kubernetes)\b/.test(effect));
const authorityOf = async () =>
  /certificate-authority-data: (\S+)/.exec(await readFile(lab.state("lab", "kubeconfig"), "utf8"))?.[1];

test("a machine that presents another key at first contact is not trusted", async () => {
  const mend = lab.world.machines.fault("lab-digitalocean-worker-2", "other-host-key");
  // During the boot sshd may still have the image's keys, so this is tried again for a while.
  const error = await errorOf(lab.cluster(shape, { timing: { sshMs: 5_000 } }).up());
  expect(error).toMatchObject({
    code: "HOST_KEY_MISMATCH",
    site: "digitalocean",
    node: "lab-digitalocean-worker-2",
  });
  expect(error.message).toContain("SHA256:");
  mend();
  const run = lab.cluster(shape).up();
  const events = await eventsOf(run);
  const { nodes } = await run;
  expect(nodes.map(({ ready }) => ready)).toEqual([true, true, true]);
  // All masters stand behind the jump host: the API was reached through it, which kubectl does not know.
  const warnings = events.flatMap((event) => (event.type === "warning" ? [event.problem.hint] : []));
  expect(warnings).toContainEqual(
    expect.stringMatching(/ssh -p 2222 -N -L 6443:192\.168\.64\.\d+:6443 debian@203/),
  );
});

test("a pinned machine that presents another key later ends the run at once, and says what to do", async () => {
  const mend = lab.world.machines.fault("lab-digitalocean-worker-1", "other-host-key");
  const effects = lab.effects.all.length;
  const started = performance.now();
  const sshMs = 60_000;
  const error = await errorOf(lab.cluster(shape, { timing: { sshMs } }).up());
  expect(error).toMatchObject({
    code: "HOST_KEY_MISMATCH",
    site: "digitalocean",
    node: "lab-digitalocean-worker-1",
  });
  expect(error.hint).toContain("delete it in its cloud");
  expect(performance.now() - started).toBeLessThan(sshMs / 2);
  expect(lab.effectsSince(effects)).toEqual([]);
  mend();
});

test("a jump host that presents another key is not passed through", async () => {
  const { publicKey } = generateKeyPair("somebody else");
  const effects = lab.effects.all.length;
  const error = await errorOf(
    lab.cluster(shape, { site: { home: { jump: { ...lab.home.jump, hostKey: publicKey } } } }).up(),
  );
  expect(error).toMatchObject({ code: "HOST_KEY_MISMATCH", site: "home" });
  expect(error.message).toContain(
    "the jump host of home: debian@203.0.113.7:2222 presented ssh-ed25519 SHA256:",
  );
  expect(error.hint).toContain("sites.home.jump.hostKey");
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("a key file that is none is told before anything is changed", async () => {
  const jump = { ...lab.home.jump, privateKeyFile: "~/.ssh/id_nobody" };
  const effects = lab.effects.all.length;
  const error = await errorOf(lab.cluster(shape, { site: { home: { jump } } }).up());
  expect(error.code).toBe("CONFIG_INVALID");
  expect(error.message).toContain(
    "sites.home.jump.privateKeyFile: cannot be read (ENOENT); given: ~/.ssh/id_nobody",
  );
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("a node that cannot be reached is named, and the engine runs nothing", async () => {
  const mend = lab.world.machines.fault("lab-digitalocean-worker-1", "unreachable");
  const effects = lab.effects.all.length;
  const error = await errorOf(lab.cluster({ ...shape, digitalocean: [0, 3] }, impatient).up());
  expect(error).toMatchObject({
    code: "HOST_UNREACHABLE",
    site: "digitalocean",
    node: "lab-digitalocean-worker-1",
  });
  expect(error.hint).toContain("firewall");
  expect(engineEffects(effects)).toEqual([]);
  mend();
  const { nodes } = await lab.cluster({ ...shape, digitalocean: [0, 3] }).up();
  expect(nodes.map(({ ready }) => ready)).toEqual([true, true, true, true]);
  await lab.cluster(shape).up();
});

test("a lost folder of the engine is fetched back; the cluster keeps its certificate authority", async () => {
  const authority = await authorityOf();
  await rm(lab.state("lab", "engine"), { recursive: true });
  const effects = lab.effects.all.length;
  await lab.cluster(shape).up();
  expect(await authorityOf()).toBe(authority);
  expect(engineEffects(effects)).toEqual([]);
  const { nodes } = await lab.cluster(shape).status();
  expect(nodes.map(({ ready }) => ready)).toEqual([true, true, true]);
});

test("without the state nothing is trusted, and nothing is replaced", async () => {
  const machines = lab.world.machines.all().map(({ spec }) => spec.id);
  await rename(lab.state(), lab.state("away"));
  const effects = lab.effects.all.length;
  for (const changes of [{}, { workers: { digitalocean: { boot: { packages: ["vim"] } } } }]) {
    const error = await errorOf(lab.cluster(shape, changes).up());
    expect(error.code).toBe("HOST_KEY_UNKNOWN");
    for (const name of ["lab-home-master-1", "lab-digitalocean-worker-1", "lab-digitalocean-worker-2"])
      expect(error.message).toContain(name);
    expect(error.hint).toContain("state directory");
  }
  expect(lab.effectsSince(effects)).toEqual([]);
  expect(lab.world.machines.all().map(({ spec }) => spec.id)).toEqual(machines);

  await rm(lab.state(), { recursive: true, force: true });
  await rename(lab.state("away"), lab.state());
  await lab.cluster(shape).up();
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("destroy() needs no state: what carries the mark is found", async () => {
  await rm(lab.state(), { recursive: true });
  await lab.cluster(shape).destroy();
  expect(lab.resources()).toEqual([]);
});
