import { type HaproxySettings, haproxyGateway } from "@multicloud/gateway-haproxy";
import { fingerprint, generateKeyPair } from "@multicloud/ssh";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Changes, errorOf, eventsOf, type Lab, openLab } from "./lab.js";

// One cluster is changed from test to test.
let lab: Lab;
let before: readonly string[];
beforeAll(async () => {
  // Nothing but the gateway that up() sets up passes anything on.
  lab = await openLab({ homeProxy: false });
  before = gatewayFiles();
});
afterAll(() => lab.close());

const machine = () => lab.world.machines.all().find(({ spec }) => spec.hostname === "gateway")!;
const gatewayFiles = () =>
  machine()
    .files.list()
    .filter(({ path }) => !/^\/(proc|var\/log|tmp|var\/lib\/(apt|dpkg))\b/.test(path))
    .map(({ path, content }) => `${path} ${content ?? ""}`);

const behind = (more: Partial<HaproxySettings> = {}): Changes => ({
  site: {
    home: {
      nat: true,
      gateway: haproxyGateway({ host: lab.home.jump, publicAddress: lab.home.router, ...more }),
    },
  },
});

const config = () => machine().files.read("/etc/haproxy/haproxy.cfg") ?? "";
const servers = () => [...config().matchAll(/server (\S+) \S+:443/g)].map(([, name]) => name);

test("plan() says that a gateway will be made; nothing is written", async () => {
  const plan = await lab.cluster({ home: [1, 2], ramnode: [0, 1] }, behind()).plan();
  expect(plan.gateways).toEqual([
    {
      action: "create",
      site: "home",
      gateway: "haproxy",
      backends: ["lab-home-worker-1", "lab-home-worker-2"],
    },
  ]);
  expect(gatewayFiles()).toEqual(before);
});

test("up() installs it, and the record points at its address", async () => {
  const { entrypoint } = await lab.cluster({ home: [1, 2], ramnode: [0, 1] }, behind()).up();
  expect(entrypoint?.addresses).toEqual([lab.home.router]);
  expect(servers()).toEqual(["lab-home-worker-1", "lab-home-worker-2"]);
  // The way in as a visitor takes it: router, gateway, worker.
  const visitor = await lab.world.network.dial({}, { host: lab.home.router, port: 443 });
  visitor.destroy();
});

test("up() again writes nothing", async () => {
  const effects = lab.effects.all.length;
  const files = gatewayFiles();
  const { plan } = await lab.cluster({ home: [1, 2], ramnode: [0, 1] }, behind()).up();
  expect(plan.gateways).toMatchObject([{ action: "keep" }]);
  expect(lab.effectsSince(effects)).toEqual([]);
  expect(gatewayFiles()).toEqual(files);
});

test("status() and inventory() show it", async () => {
  const cluster = lab.cluster({ home: [1, 2], ramnode: [0, 1] }, behind());
  expect((await cluster.status()).gateways).toEqual([
    {
      site: "home",
      gateway: "haproxy",
      publicAddress: lab.home.router,
      state: "runs",
      backends: [
        { node: "lab-home-worker-1", healthy: true },
        { node: "lab-home-worker-2", healthy: true },
      ],
    },
  ]);
  const inventory = await cluster.inventory();
  expect(inventory.gateways).toEqual([{ site: "home", gateway: "haproxy", publicAddress: lab.home.router }]);
  expect(inventory.mermaid()).toContain("home_gateway --> lab_home_worker_1");
});

test("it follows the site up, and down before the machine that goes is drained", async () => {
  await lab.cluster({ home: [1, 3], ramnode: [0, 1] }, behind()).up();
  expect(servers()).toEqual(["lab-home-worker-1", "lab-home-worker-2", "lab-home-worker-3"]);
  const run = lab.cluster({ home: [1, 1], ramnode: [0, 1] }, behind()).up();
  const order: string[] = [];
  for await (const event of run) {
    if (event.type !== "step-end") continue;
    const { kind, site } = event.step;
    if (kind === "gateway" || kind === "drain" || (kind === "delete" && site === "home")) order.push(kind);
  }
  expect(order.indexOf("gateway")).toBe(0);
  expect(order.slice(1)).toEqual(expect.arrayContaining(["drain", "delete"]));
  expect(servers()).toEqual(["lab-home-worker-1"]);
});

test("a worker that is made anew is let in at its new address", async () => {
  const old = config();
  const changes = behind();
  const grown = { ...changes, workers: { home: { size: "g1.medium" } } };
  await lab.cluster({ home: [1, 2], ramnode: [0, 1] }, changes).up();
  await lab.cluster({ home: [1, 2], ramnode: [0, 1] }, grown).up();
  expect(servers()).toEqual(["lab-home-worker-1", "lab-home-worker-2"]);
  expect(config()).not.toBe(old);
  const addresses = lab.world.machines
    .all()
    .filter(({ spec }) => spec.hostname.startsWith("lab-home-worker"))
    .map(({ spec }) => spec.privateAddress!);
  for (const address of addresses) expect(config()).toContain(`${address}:443`);
});

test("a configuration that somebody changed stops a run before its first effect", async () => {
  const { files } = machine();
  const ours = config();
  files.write("/etc/haproxy/haproxy.cfg", `${ours}# tuned by hand\n`);
  const effects = lab.effects.all.length;
  const error = await errorOf(lab.cluster({ home: [1, 2], ramnode: [0, 2] }, behind()).up());
  expect(error.code).toBe("CONFLICT");
  expect(error.message).toContain("sites.home.gateway.host");
  expect(lab.effectsSince(effects)).toEqual([]);
  files.write("/etc/haproxy/haproxy.cfg", ours);
});

test("when home loses its power, its address is remembered and the record moves", async () => {
  const cluster = lab.cluster(
    { home: [1, 2], ramnode: [0, 1] },
    { ...behind(), workers: { home: { size: "g1.medium" } } },
  );
  lab.setPower("home", false);
  try {
    const stop = new AbortController();
    const switched: (readonly string[])[] = [];
    const watch = cluster.entrypoint.watch({ signal: stop.signal, intervalMs: 20, probeMs: 200 });
    for await (const event of watch) {
      if (event.type !== "entrypoint-switch") continue;
      switched.push([...event.from, ...event.to]);
      stop.abort();
    }
    const ramnode = lab.world.machines.all().find(({ spec }) => spec.hostname === "lab-ramnode-worker-1");
    expect(switched).toEqual([[lab.home.router, ramnode?.spec.publicAddress]]);
  } finally {
    lab.setPower("home", true);
  }
});

test("when home's workers are lost and the gateway goes on taking connections, the record moves all the same", async () => {
  const shape = { home: [1, 2], ramnode: [0, 1] } as const;
  const cluster = lab.cluster(shape, behind());
  await lab.cluster({ ...shape, ramnode: [0, 0] }, behind()).up();
  expect((await cluster.up()).entrypoint?.addresses).toEqual([lab.home.router]);
  const workers = lab.world.machines.all().filter(({ spec }) => spec.hostname.startsWith("lab-home-worker"));
  const ramnode = lab.world.machines.all().find(({ spec }) => spec.hostname === "lab-ramnode-worker-1");
  const result = await cluster.drill({
    lose: "home",
    host: "app.apps.example.com",
    resolve: async (name) => lab.resolve(name),
    watch: { intervalMs: 20, probeMs: 200 },
    intervalMs: 10,
    async cut() {
      for (const { spec } of workers) lab.world.machines.stop(spec.id);
      return async () => {
        for (const { spec } of workers) lab.world.machines.start(spec.id);
      };
    },
  });
  expect([result.before, result.after]).toEqual([[lab.home.router], [ramnode?.spec.publicAddress]]);
});

test("one that left the configuration is told of, and removed when it is given once more", async () => {
  const shape = { home: [1, 2], ramnode: [0, 1] } as const;
  const alone = await lab.cluster({ ...shape, ramnode: [0, 0] }, behind()).up();
  expect(alone.entrypoint?.addresses).toEqual([lab.home.router]);
  const without = lab.cluster(shape, { site: { home: { nat: true } } });
  const warnings = (await eventsOf(without.plan())).flatMap((event) =>
    event.type === "warning" ? [event.problem] : [],
  );
  expect(warnings).toContainEqual({
    path: "sites.home.gateway",
    message: `the gateway on your own machine (${fingerprint(lab.home.jump.hostKey)}) is not in the configuration any more, and goes on`,
    hint: expect.stringContaining('removeGateway("home", gateway)'),
  });
  const { gateway } = behind().site!.home!;
  expect((await errorOf(lab.cluster(shape, behind()).removeGateway("home", gateway!))).message).toContain(
    "its gateway is in the configuration",
  );
  expect((await errorOf(without.removeGateway("hom", gateway!))).message).toContain("did you mean home?");
  // One on a machine that is made for it does not take the old one away either.
  const made = haproxyGateway({
    machine: { size: "g1.small", image: "debian-12" },
    publicAddress: lab.home.router,
  });
  const other = lab.cluster(shape, { site: { home: { nat: true, gateway: made } } });
  const others = (await eventsOf(other.plan())).flatMap((event) =>
    event.type === "warning" ? [event.problem.path] : [],
  );
  expect(others).toContain("sites.home.gateway");
  // Neither does one on another machine.
  const elsewhere = haproxyGateway({
    host: { ...lab.home.jump, hostKey: (await generateKeyPair("another")).publicKey },
    publicAddress: lab.home.router,
  });
  const moved = lab.cluster(shape, { site: { home: { nat: true, gateway: elsewhere } } });
  // The record is at the gateway, which nobody replaces.
  expect((await errorOf(without.removeGateway("home", gateway!))).message).toContain(
    "still holds the gateway's address",
  );
  await without.up();
  // `moved` still has a gateway of the site, but not this one.
  await moved.removeGateway("home", gateway!);
  expect(gatewayFiles()).toEqual(before);
  expect(machine().unitState("haproxy")).toBe("missing");
  const after = (await eventsOf(without.plan())).flatMap((event) =>
    event.type === "warning" ? [event.problem.path] : [],
  );
  expect(after).not.toContain("sites.home.gateway");
  await lab.cluster(shape, behind()).up();
});

test("destroy() puts the machine back as it was", async () => {
  await lab.cluster({ home: [1, 2], ramnode: [0, 1] }, behind()).destroy();
  expect(gatewayFiles()).toEqual(before);
  expect(machine().unitState("haproxy")).toBe("missing");
  expect(lab.resources()).toEqual([]);
});
