import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineNode, SiteContext } from "@multicloud/core/plugin";
import { generateKeyPair } from "@multicloud/ssh";
import { afterAll, beforeAll, expect, test } from "vitest";
import { haproxyModule } from "../../testing/src/haproxy/module.js";
import { createWorld } from "../../testing/src/world/create-world.js";
import { instantTiming } from "../../testing/src/world/timing.js";
import { type HaproxyGatewayOptions, haproxyGateway } from "../src/index.js";

const address = "198.18.0.1";
const config = "/etc/haproxy/haproxy.cfg";
const theirs = `# by hand
listen theirs
  mode tcp
  bind :80
  timeout client 5s
  timeout server 5s
  server mine 198.18.0.9:80
`;

let folder: string;
let login: Awaited<ReturnType<typeof generateKeyPair>>;
let hostKey: Awaited<ReturnType<typeof generateKeyPair>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "multicloud-gateway-"));
  [login, hostKey] = await Promise.all([generateKeyPair("owner"), generateKeyPair("gateway")]);
  await writeFile(join(folder, "key"), login.privateKey, { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true }));

/** A machine of its own, bare or with somebody's HAProxy, and a gateway for it. */
async function openMachine(withTheirs: boolean) {
  const world = createWorld({ scale: 0, timing: instantTiming });
  world.machines.use(haproxyModule(world));
  const machine = world.machines.boot({
    id: "gateway",
    hostname: "gateway",
    image: "debian-12",
    sshKeys: [login.publicKey],
    publicAddress: address,
    hostKeys: [hostKey.privateKey],
  });
  // A script that stops for ever stands for one that is dead: its lock would have died with it.
  machine.files.remove("/usr/bin/flock");
  const context = (signal = new AbortController().signal): SiteContext => ({
    cluster: "lab",
    site: "home",
    signal,
    dialer: (target, options) => world.network.dial({}, target, options?.signal),
    report: () => {},
  });
  const options: HaproxyGatewayOptions = {
    host: { host: address, user: "debian", hostKey: hostKey.publicKey, privateKeyFile: join(folder, "key") },
    publicAddress: "203.0.113.7",
    takeOver: true,
  };
  const gateway = haproxyGateway(options);
  if (withTheirs) {
    const { connect } = await import("@multicloud/ssh");
    const { host, user, privateKeyFile } = options.host;
    const remote = await connect({
      host,
      user,
      hostKeys: [hostKey.publicKey],
      privateKeyFile: privateKeyFile!,
      dialer: context().dialer,
    });
    machine.files.write(config, theirs);
    await remote.exec("apt-get update && apt-get install -y haproxy", { sudo: true });
    await remote.close();
  }
  const state = () => ({
    files: machine.files
      .list()
      // The empty directory may stay: who removes it last has no record any more to know by.
      .filter(({ path }) => /^\/etc\/(haproxy|multicloud\/)/.test(path))
      .map(({ path, content }) => `${path} ${content ?? ""}`),
    unit: machine.unitState("haproxy"),
  });
  return { world, machine, gateway, context, state };
}

const worker = (index: number) =>
  ({ name: `lab-home-worker-${index}`, role: "worker", privateAddress: `192.168.1.${index}` }) as EngineNode;

/** Power goes at the n-th change: the machine stops where it is, and so does the caller. False when there were fewer. */
async function cutAt(
  { world, context }: Awaited<ReturnType<typeof openMachine>>,
  n: number,
  work: (context: SiteContext) => Promise<unknown>,
): Promise<boolean> {
  const controller = new AbortController();
  let seen = 0;
  const stop = world.effects.listen(() => {
    seen += 1;
    if (seen < n) return undefined;
    controller.abort(new Error("killed"));
    return new Promise<void>(() => {});
  });
  await work(context(controller.signal)).catch((error: unknown) => {
    if (seen < n) throw error;
  });
  stop();
  return seen >= n;
}

test.each([
  ["bare", false],
  ["with somebody's HAProxy", true],
] as const)(
  "killed at any change, %s: the next call makes it good, and a removal puts all back",
  async (_, withTheirs) => {
    const lab = await openMachine(withTheirs);
    const { gateway, context, state, world } = lab;
    const before = state();
    const nodes = [worker(1), worker(2)];
    await gateway.ensure(context(), nodes);
    const wanted = state();
    let cuts = 0;

    for (let n = 1; ; n++) {
      await gateway.remove(context());
      expect(state(), `after a removal, round ${n}`).toEqual(before);
      const wasCut = await cutAt(lab, n, (own) => gateway.ensure(own, nodes));
      await gateway.ensure(context(), nodes);
      expect(state(), `cut at change ${n} of making it`).toEqual(wanted);
      const effects = world.effects.all.length;
      expect(await gateway.ensure(context(), nodes)).toEqual({ changed: false });
      expect(world.effects.all.length).toBe(effects);
      if (!wasCut) break;
      cuts += 1;
    }
    for (let n = 1; ; n++) {
      const wasCut = await cutAt(lab, n, (own) => gateway.ensure(own, [worker(1), worker(2), worker(2 + n)]));
      await gateway.ensure(context(), nodes);
      expect(state(), `cut at change ${n} of changing it`).toEqual(wanted);
      if (!wasCut) break;
      cuts += 1;
    }
    for (let n = 1; ; n++) {
      const wasCut = await cutAt(lab, n, (own) => gateway.remove(own));
      await gateway.remove(context());
      expect(state(), `cut at change ${n} of removing it`).toEqual(before);
      const effects = world.effects.all.length;
      await gateway.remove(context());
      expect(world.effects.all.length).toBe(effects);
      if (!wasCut) break;
      await gateway.ensure(context(), nodes);
      cuts += 1;
    }
    expect(cuts).toBeGreaterThan(10);
    await world.close();
  },
);

test("killed while removing, then made again: what was there at first is still what comes back", async () => {
  const lab = await openMachine(true);
  const { gateway, context, state, world } = lab;
  const before = state();
  for (let n = 1; ; n++) {
    await gateway.ensure(context(), [worker(1)]);
    const wasCut = await cutAt(lab, n, (own) => gateway.remove(own));
    await gateway.ensure(context(), [worker(1), worker(2)]);
    await gateway.remove(context());
    expect(state(), `cut at change ${n}`).toEqual(before);
    if (!wasCut) break;
  }
  await world.close();
});
