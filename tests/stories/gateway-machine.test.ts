import { readFile } from "node:fs/promises";
import { answersGreeting, tlsGreeting } from "@multicloud/core/plugin";
import { haproxyGateway } from "@multicloud/gateway-haproxy";
import { openstack } from "@multicloud/provider-openstack";
import { staticHosts } from "@multicloud/provider-static";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  authorizedMembers,
  type Changes,
  errorOf,
  expectInOrder,
  kubernetesOf,
  type Lab,
  machineNames,
  openLab,
} from "./lab.js";

const name = "lab-home-gateway-1";
/** The address that the router passes 80 and 443 on to. */
const inside = "192.168.67.250";
const shape = { home: [0, 2], ramnode: [1, 1] } as const;

// One cluster is changed from test to test.
let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ homeProxy: false });
  for (const port of [80, 443])
    lab.world.network.forwardPort({ lan: "home", port, to: { host: inside, port } });
});
afterAll(() => lab.close());

const spec = { size: "g1.small", image: "debian-12", providerOptions: { fixedIps: { [name]: inside } } };
const behind = (machine: Partial<typeof spec> = {}): Changes => ({
  site: {
    home: {
      nat: true,
      gateway: haproxyGateway({ machine: { ...spec, ...machine }, publicAddress: lab.home.router }),
    },
  },
});

const machine = () => lab.world.machines.all().find(({ spec }) => spec.hostname === name)!;
const servers = () => [
  ...(machine().files.read("/etc/haproxy/haproxy.cfg") ?? "").matchAll(/server (\S+) \S+:443/g),
];
const backends = () => servers().map(([, node]) => node);
/** Whether a visitor is answered there. */
const visit = async (host = lab.home.router) => {
  const stream = await lab.world.network.dial({}, { host, port: 443 });
  return answersGreeting(stream, await tlsGreeting("app.apps.example.com"), AbortSignal.timeout(5_000));
};
const addressOf = (hostname: string) =>
  lab.world.machines.all().find(({ spec }) => spec.hostname === hostname)?.spec.publicAddress;

/** Gateways at home and at ramnode. */
const both = (more: Partial<typeof spec> = {}) =>
  lab.cluster(shape, {
    site: {
      ...behind(more).site,
      ramnode: {
        gateway: haproxyGateway({
          machine: { size: "g1.small", image: "debian-12", ...more },
          publicAddress: "auto",
        }),
      },
    },
  });

test("plan() shows the machine among the others; nothing is made", async () => {
  const plan = await lab.cluster(shape, behind()).plan();
  expect(plan.actions).toContainEqual({ action: "create", node: name, site: "home", role: "gateway" });
  expect(plan.counts.create).toBe(5);
  expect(plan.gateways).toMatchObject([{ action: "create", site: "home", gateway: "haproxy" }]);
  expect(machineNames(lab)).toEqual([]);
});

test("up(), cut off at one after the other of the machine's effects, makes it once", async () => {
  const small = { home: [0, 1], ramnode: [1, 0] } as const;
  const cutAt = new Set<string>();
  for (let whole = false; !whole; ) {
    const controller = new AbortController();
    const stop = lab.effects.listen((effect) => {
      const what = `${effect.service} ${effect.kind} ${effect.action} ${effect.name}`;
      if (!what.includes(name) || cutAt.has(what)) return;
      cutAt.add(what);
      controller.abort();
    });
    const { size } = cutAt;
    await lab
      .cluster(small, behind())
      .up({ signal: controller.signal })
      .then(
        () => {},
        ({ code }) => expect(code).toBe("ABORTED"),
      );
    stop();
    if ([...cutAt].at(-1)?.includes("server create")) {
      // It runs, and boots still: nothing answers there yet.
      const answersAgain = lab.world.machines.fault(name, "unreachable");
      expect(
        (await lab.cluster(small, { ...behind(), timing: { sshMs: 1_000 } }).plan()).gateways,
      ).toMatchObject([{ site: "home" }]);
      answersAgain();
    }
    whole = cutAt.size === size;
  }
  expect(cutAt.size).toBeGreaterThan(5);
  expect(machineNames(lab).filter((one) => one.includes("gateway"))).toEqual([name]);
});

test("it passes visitors on to the workers, and is no node", async () => {
  const { entrypoint, nodes } = await lab.cluster(shape, behind()).up();
  expect(entrypoint?.addresses).toEqual([lab.home.router]);
  expect(backends()).toEqual(["lab-home-worker-1", "lab-home-worker-2"]);
  expect(await visit()).toBe(true);
  expect(nodes.map((node) => node.name)).not.toContain(name);
  expect((await kubernetesOf(lab, (api) => api.nodes())).map((node) => node.name)).not.toContain(name);
  expect(authorizedMembers(lab)).not.toContain(name);
  expect(machine().packages.has("docker-ce")).toBe(false);
});

test("up() again writes nothing", async () => {
  const effects = lab.effects.all.length;
  const { plan } = await lab.cluster(shape, behind()).up();
  expect(plan.unchanged).toBe(true);
  expect(plan.gateways).toMatchObject([{ action: "keep" }]);
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("status() and inventory() show it", async () => {
  const cluster = lab.cluster(shape, behind());
  const status = await cluster.status();
  expect(status.gateways).toMatchObject([
    {
      machine: { name, status: "running" },
      publicAddress: lab.home.router,
      state: "runs",
      backends: [{ healthy: true }, { healthy: true }],
    },
  ]);
  expect(status.nodes.map((node) => node.name)).not.toContain(name);
  const inventory = await cluster.inventory();
  expect(inventory.hosts.find((host) => host.name === name)).toMatchObject({
    role: "gateway",
    address: inside,
  });
  expect(inventory.ansible()).toContain(`[gateways]\n${name}\n`);
  expect(inventory.sshConfig()).toContain(`Host ${name}\n  HostName ${inside}`);
  expect(inventory.mermaid()).not.toContain("lab_home_gateway_1");
  expect(await readFile(lab.state("lab", "known_hosts"), "utf8")).toContain(`${name},${inside} ssh-ed25519 `);
});

test("a site with public addresses may have one too, at its own", async () => {
  await both().up();
  const { gateways } = await both().status();
  expect(gateways?.map(({ site, publicAddress }) => [site, publicAddress])).toEqual([
    ["home", lab.home.router],
    ["ramnode", addressOf("lab-ramnode-gateway-1")],
  ]);
});

test("two that are changed at once are made anew one after the other, and one of them always serves", async () => {
  const serving: boolean[] = [];
  const stop = lab.effects.listen(async ({ action, name: what }) => {
    if (action !== "delete" || !/^lab-\w+-gateway-1$/.test(what)) return;
    // Whoever asks for the name at this moment.
    const [address = ""] = lab.resolve("app.apps.example.com");
    serving.push(await visit(address));
  });
  const run = both({ size: "g1.medium" }).up();
  const order: string[] = [];
  for await (const event of run) {
    if (event.type !== "step-end") continue;
    const { kind, site } = event.step;
    if (kind === "gateway" || kind === "delete") order.push(`${kind} ${site}`);
  }
  stop();
  expect(serving).toEqual([true, true]);
  expect(order.slice(-4)).toEqual(["delete home", "gateway home", "delete ramnode", "gateway ramnode"]);
  // Back to one gateway, with the record at it.
  await lab.cluster({ ...shape, ramnode: [1, 0] }, behind()).up();
  await lab.cluster(shape, behind()).up();
});

test("another size is another machine; meanwhile the record is at another site", async () => {
  const before = machine();
  const effects = lab.effects.all.length;
  const { plan, entrypoint } = await lab.cluster(shape, behind({ size: "g1.medium" })).up();
  expect(plan.actions.filter(({ action }) => action !== "keep")).toMatchObject([
    { action: "replace", node: name, changes: [{ field: "size", from: "g1.small", to: "g1.medium" }] },
  ]);
  expect(machine()).not.toBe(before);
  expect(backends()).toEqual(["lab-home-worker-1", "lab-home-worker-2"]);
  expect(await visit()).toBe(true);
  const [ramnode] = lab.world.machines.all().filter(({ spec }) => spec.hostname === "lab-ramnode-worker-1");
  expectInOrder(lab.effectsSince(effects), [
    `cloudflare record update *.apps.${lab.home.zone} A ${ramnode?.spec.publicAddress}`,
    `home/nova server delete ${name}`,
    `home/nova server create ${name}`,
  ]);
  // What works is not moved back.
  expect(entrypoint?.addresses).toEqual([ramnode?.spec.publicAddress]);
  expect(lab.effectsSince(effects).filter((effect) => /drain|kubernetes/.test(effect))).toEqual([]);
});

test("one that somebody deleted is made anew", async () => {
  const cluster = lab.cluster(shape, behind({ size: "g1.medium" }));
  const provider = openstack({ cloud: "home", cloudsFile: lab.env.OS_CLIENT_CONFIG_FILE! });
  const context = {
    cluster: "lab",
    site: "home",
    signal: new AbortController().signal,
    dialer: () => Promise.reject(new Error("nothing is dialled")),
    report: () => {},
  };
  const [own] = (await provider.list(context)).filter((one) => one.name === name);
  await provider.delete(context, [own!]);
  await vi.waitUntil(async () => !(await provider.list(context)).some((one) => one.name === name), {
    timeout: 30_000,
  });
  expect((await cluster.status()).gateways).toMatchObject([
    { machine: { name, status: "missing" }, state: "none" },
  ]);
  await cluster.up();
  expect(backends()).toEqual(["lab-home-worker-1", "lab-home-worker-2"]);
  expect(await visit()).toBe(true);
});

test("mistakes are told before anything is made", async () => {
  const wrong = await errorOf(lab.cluster(shape, behind({ image: "debian-21", size: "g1.huge" })).up());
  expect(wrong.code).toBe("CONFIG_INVALID");
  expect(wrong.message).toContain("sites.home.gateway.machine.image: there is no image debian-21");
  expect(wrong.message).toContain("sites.home.gateway.machine.size");
  const unknown = { ...spec, count: 2 };
  expect(() => lab.cluster(shape, behind(unknown))).toThrow(
    /sites\.home\.gateway\.machine\.count: unknown key/,
  );
  const provider = staticHosts([
    { name: "box", address: "192.168.64.99", user: "debian", hostKey: lab.home.jump.hostKey },
  ]);
  expect(() => lab.cluster(shape, { site: { home: { ...behind().site?.home, provider } } })).toThrow(
    /sites\.home\.gateway\.machine: the provider static makes no machines/,
  );
});

test("a configuration that somebody changed on it stops a run before its first effect", async () => {
  const { files } = machine();
  const ours = files.read("/etc/haproxy/haproxy.cfg")!;
  files.write("/etc/haproxy/haproxy.cfg", `${ours}# tuned by hand\n`);
  const effects = lab.effects.all.length;
  const error = await errorOf(lab.cluster({ ...shape, home: [0, 3] }, behind({ size: "g1.medium" })).up());
  expect(error.code).toBe("CONFLICT");
  expect(error.message).toContain("sites.home.gateway.machine");
  expect(lab.effectsSince(effects)).toEqual([]);
  files.write("/etc/haproxy/haproxy.cfg", ours);
});

test("without the gateway its machine goes, after the record has left it", async () => {
  const only = await lab.cluster({ ...shape, ramnode: [1, 0] }, behind({ size: "g1.medium" })).up();
  expect(only.entrypoint?.addresses).toEqual([lab.home.router]);
  const effects = lab.effects.all.length;
  const { plan, entrypoint } = await lab.cluster(shape, { site: { home: { nat: true } } }).up();
  expect(entrypoint?.addresses).not.toContain(lab.home.router);
  expect(plan.actions.filter(({ action }) => action !== "keep")).toMatchObject([
    { action: "create", node: "lab-ramnode-worker-1" },
    { action: "delete", node: name, role: "gateway" },
  ]);
  // Not before there is somebody else to go to.
  expectInOrder(lab.effectsSince(effects), [
    "docker container create lab-ramnode-worker-1/nginx-ingress-controller",
    `cloudflare record update *.apps.${lab.home.zone} A ${entrypoint?.addresses[0]}`,
    `home/nova server delete ${name}`,
  ]);
  expect(machineNames(lab)).not.toContain(name);
  expect(lab.effectsSince(effects).filter((effect) => effect.includes("drain"))).toEqual([]);
  const again = lab.effects.all.length;
  await lab.cluster(shape, { site: { home: { nat: true } } }).up();
  expect(lab.effectsSince(again)).toEqual([]);
});

test("a site that is emptied loses it too; destroy() leaves nothing", async () => {
  await lab.cluster(shape, behind()).up();
  expect(machineNames(lab)).toContain(name);
  await lab.cluster({ home: [0, 0], ramnode: [1, 1] }, behind()).up();
  expect(machineNames(lab).filter((one) => one.includes("-home-"))).toEqual([]);
  await lab.cluster({ home: [0, 1], ramnode: [1, 1] }, behind()).up();
  expect(machineNames(lab)).toContain(name);
  await lab.cluster({ home: [0, 1], ramnode: [1, 1] }, behind()).destroy();
  expect(lab.resources()).toEqual([]);
});
