import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type MulticloudError, multicloud, type SiteConfig } from "@multicloud/core";
import type { Dialer } from "@multicloud/core/plugin";
import { connect, generateKeyPair, publicKeyOf, type SshHost, socks5Dialer } from "@multicloud/ssh";
import { instantTiming, type Sandbox, sandbox } from "@multicloud/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digitalocean } from "../../provider-digitalocean/src/index.js";
import { rke } from "../../rke/src/index.js";
import { zerotier } from "../../zerotier/src/index.js";
import { type StaticHost, staticHosts } from "../src/index.js";

let world: Sandbox;
let hosts: StaticHost[];
let privateKeyFile: string;

beforeAll(async () => {
  world = await sandbox({ scale: 0, timing: instantTiming });
  const login = await generateKeyPair("owner of the hosts");
  privateKeyFile = `${world.stateDirectory}-login`;
  await writeFile(privateKeyFile, login.privateKey, { mode: 0o600 });
  hosts = await Promise.all(
    [1, 2].map(async (n): Promise<StaticHost> => {
      const key = await generateKeyPair(`host ${n}`);
      world.world.machines.boot({
        id: `rack-${n}`,
        hostname: `rack-${n}`,
        image: "debian-12",
        sshKeys: [login.publicKey],
        publicAddress: `198.18.9.${n}`,
        hostKeys: [key.privateKey],
      });
      const role = n === 1 ? "master" : "worker";
      return { name: `rack-${n}`, address: `198.18.9.${n}`, user: "debian", role, hostKey: key.publicKey };
    }),
  );
});
afterAll(async () => {
  await world.close();
  await rm(world.stateDirectory, { recursive: true, force: true });
  await rm(privateKeyFile, { force: true });
});

const machine = (name: string) => world.world.machines.get(name)!;
const claim = (name: string) => machine(name).files.read("/etc/multicloud/claim.json");

/** Names of the containers that the emulated Docker daemon of a host has. */
function containersOf(name: string): string[] {
  const docker = machine(name).attachments.get("docker") as
    | { readonly containers: ReadonlyMap<string, { readonly name: string }> }
    | undefined;
  return [...(docker?.containers.values() ?? [])].map((container) => container.name).sort();
}

/** What a host looks like from outside: its users, and the containers and folders of a cluster. */
function state(name: string) {
  const { files } = machine(name);
  return {
    users: files.read("/etc/passwd"),
    claim: files.read("/etc/multicloud/claim.json"),
    containers: containersOf(name),
    sudo: files
      .list()
      .filter(({ path }) => path.startsWith("/etc/sudoers.d/"))
      .map(({ path }) => path),
    packages: [...machine(name).packages.keys()].sort(),
    interfaces: machine(name).interfaceNames?.(),
    daemon: machine(name).unitState("zerotier-one"),
    settings: files
      .list()
      .filter(({ path }) =>
        /^\/etc\/(apt|multicloud|sysctl\.d|modules-load\.d)\/|^\/var\/lib\/zerotier-one/.test(path),
      )
      .map(({ path, content }) => [path, content]),
    cluster: files
      .list()
      .filter(({ path }) => /^\/(etc\/kubernetes|var\/lib\/(etcd|kubelet)|var\/lib\/rancher)\//.test(path))
      .map(({ path }) => path),
  };
}

function cluster(
  name = "lab",
  change: Partial<SiteConfig> & { readonly hosts?: readonly StaticHost[]; readonly dialer?: Dialer } = {},
) {
  const { env, home } = world;
  const { hosts: given = hosts, dialer = socks5Dialer(world.socks), ...site } = change;
  const pool = { size: "as it is", image: "debian-12" };
  const droplet = { size: "s-1vcpu-2gb", image: "debian-12-x64" };
  return multicloud({
    name,
    sites: {
      rack: {
        provider: staticHosts(given, { privateKeyFile }),
        masters: { count: 1, ...pool },
        workers: { count: 1, ...pool },
        ...site,
      },
      ocean: {
        provider: digitalocean({
          region: "fra1",
          token: env.DIGITALOCEAN_TOKEN!,
          baseURL: env.DIGITALOCEAN_API_URL!,
          requestsPerMinute: 100_000,
        }),
        workers: { count: 1, ...droplet },
      },
    },
    overlay: zerotier({
      network: home.network,
      token: env.ZEROTIER_CENTRAL_TOKEN!,
      baseURL: env.ZEROTIER_CENTRAL_URL!,
      requestsPerSecond: 100_000,
    }),
    engine: rke({ binary: join(env.PATH!.split(":")[0]!, "rke"), attempts: 2, retryDelayMs: 1 }),
    dialer,
    state: join(world.stateDirectory, name),
    timing: { pollMs: 10, sshMs: 30_000, machineMs: 60_000 },
  });
}

const errorOf = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => expect.fail("this has to fail"),
    (error: MulticloudError) => error,
  );

let asFound: Record<string, unknown>;

// One cluster lives through this file, so the tests depend on their order.
test("two hosts that exist and a droplet become one cluster", async () => {
  asFound = { "rack-1": state("rack-1"), "rack-2": state("rack-2") };
  const { nodes, plan } = await cluster().up();
  expect(plan.counts.create).toBe(3);
  expect(nodes.map(({ name, ready }) => [name, ready])).toEqual([
    ["lab-rack-master-1", true],
    ["lab-rack-worker-1", true],
    ["lab-ocean-worker-1", true],
  ]);
  expect(JSON.parse(claim("rack-1")!)).toMatchObject({
    owner: "multicloud",
    cluster: "lab",
    site: "rack",
    node: "lab-rack-master-1",
    state: "ready",
    made: { users: ["multicloud"], packages: expect.arrayContaining(["zerotier-one", "docker.io"]) },
  });
  expect(containersOf("rack-1")).toContain("kube-apiserver");
  expect(containersOf("rack-2")).toContain("kubelet");
  expect(state("rack-1").cluster).not.toEqual([]);
  // The host's own key is the one that counts; nobody made it another.
  const record = JSON.parse(
    await readFile(join(world.stateDirectory, "lab", "hosts", "lab-rack-master-1.json"), "utf8"),
  );
  expect(record).toMatchObject({ pinned: [hosts[0]!.hostKey], oneTime: [], activated: true });
});

test("the second up() changes nothing anywhere", async () => {
  const before = world.effects.all.length;
  const { plan } = await cluster().up();
  expect(plan.unchanged).toBe(true);
  expect(world.effects.all.slice(before)).toEqual([]);
});

test("a claim that was cut off is finished by the next up(), a release too", async () => {
  const path = "/etc/multicloud/claim.json";
  for (const state of ["preparing", "releasing"]) {
    const { files } = machine("rack-2");
    files.write(path, files.read(path)!.replace('"ready"', `"${state}"`));
    const { nodes } = await cluster().up();
    expect(
      nodes.every(({ ready }) => ready),
      state,
    ).toBe(true);
    expect(JSON.parse(claim("rack-2")!), state).toMatchObject({ node: "lab-rack-worker-1", state: "ready" });
    expect((await cluster().plan()).unchanged, state).toBe(true);
  }
});

test("another cluster is refused by the host's name, and fewer hosts than asked for is a problem", async () => {
  const refused = await errorOf(cluster("other").plan());
  expect(refused.code).toBe("CONFIG_INVALID");
  expect(refused.message).toContain(
    "the host rack-1 belongs to the cluster lab, site rack, as lab-rack-master-1",
  );
  expect(refused.message).toContain("sites.rack.masters.count");

  const before = world.effects.all.length;
  const more = await errorOf(
    cluster("lab", { workers: { count: 3, size: "as it is", image: "debian-12" } }).up(),
  );
  expect(more.message).toContain(
    "sites.rack.workers.count: 2 more workers needed, but no host is free for them",
  );
  expect(world.effects.all.slice(before)).toEqual([]);
});

test("a host that is off and one with another key are named, and nothing is changed", async () => {
  const before = world.effects.all.length;
  for (const [fault, code] of [
    ["unreachable", "HOST_UNREACHABLE"],
    ["other-host-key", "HOST_KEY_MISMATCH"],
  ] as const) {
    const right = world.world.machines.fault("rack-2", fault);
    const error = await errorOf(cluster().plan());
    right();
    expect(error.code).toBe(code);
    expect(error.message).toContain("rack-2");
    expect(error.site).toBe("rack");
  }
  // Looking is another matter: the silent host does not hide the others.
  const right = world.world.machines.fault("rack-2", "unreachable");
  const { nodes, silent } = await cluster().status();
  right();
  expect(Object.fromEntries(nodes.map(({ name, machine }) => [name, machine]))).toEqual({
    "lab-rack-master-1": "running",
    "lab-rack-worker-1": "unknown",
    "lab-ocean-worker-1": "running",
  });
  expect(silent).toMatchObject([{ site: "rack", error: { code: "HOST_UNREACHABLE" } }]);
  expect(silent[0]!.error.message).toContain("rack-2");
  expect(world.effects.all.slice(before)).toEqual([]);
});

test("destroy() gives the hosts back as they were found, and deletes the droplet", async () => {
  const removed = await cluster().destroy();
  expect(removed.machines.length).toBe(3);
  expect({ "rack-1": state("rack-1"), "rack-2": state("rack-2") }).toEqual(asFound);
  expect(machine("rack-1").state).toBe("running");
  expect(world.resources()).toEqual([]);
});

test("hosts behind a jump host of their own are reached through it", async () => {
  const login = await readFile(privateKeyFile, "utf8");
  const inside = await Promise.all(
    [1, 2].map(async (n): Promise<StaticHost> => {
      const key = await generateKeyPair(`inner host ${n}`);
      world.world.machines.boot({
        id: `inner-${n}`,
        hostname: `inner-${n}`,
        image: "debian-12",
        sshKeys: [await publicKeyOf(login, "owner")],
        lan: "home",
        privateAddress: `192.168.64.${200 + n}`,
        hostKeys: [key.privateKey],
      });
      const { jump } = world.home;
      const address = `192.168.64.${200 + n}`;
      return { name: `inner-${n}`, address, user: "debian", hostKey: key.publicKey, jump };
    }),
  );
  const { nodes } = await cluster("inner", { hosts: inside }).up();
  expect(nodes.every(({ ready }) => ready)).toBe(true);
  const { hosts: listed } = await cluster("inner", { hosts: inside }).inventory();
  expect(listed.map(({ jump }) => jump.length)).toEqual([0, 1, 1]);
  const before = world.effects.all.length;
  await cluster("inner", { hosts: inside }).up();
  expect(world.effects.all.slice(before)).toEqual([]);
  await cluster("inner", { hosts: inside }).destroy();
  expect(claim("inner-1")).toBeUndefined();
});

test("and they can become another cluster", async () => {
  const { nodes } = await cluster("other").up();
  expect(nodes.every(({ ready }) => ready)).toBe(true);
  await cluster("other").destroy();
  expect({ "rack-1": state("rack-1"), "rack-2": state("rack-2") }).toEqual(asFound);
});

test("a host with ZeroTier of its owner keeps its identity, its settings and its other network; SSH may be on any port", async () => {
  const own = '{"settings":{"primaryPort":9994}}\n';
  const owner = await asOwner("rack-2", async (host) => {
    const run = async (command: string) => {
      const { code, stderr } = await host.exec(command, { sudo: true });
      expect(code, stderr).toBe(0);
    };
    await run(
      "mkdir -p /etc/apt/sources.list.d && echo 'deb [trusted=yes] https://download.zerotier.com/debian/bookworm bookworm main' > /etc/apt/sources.list.d/own.list",
    );
    await run("apt-get update && apt-get install -y zerotier-one");
    await host.writeFile("/var/lib/zerotier-one/local.conf", own, { sudo: true });
    await run("zerotier-cli join 8056c2e21c00beef");
    return machine("rack-2").files.read("/var/lib/zerotier-one/identity.secret");
  });
  // A second SSH port, and nothing on the usual one for this host.
  const stop = machine("rack-2").listen(2222, (stream) => {
    void machine("rack-2")
      .dial({ host: hosts[1]!.address, port: 22 })
      .then((inner) => {
        inner.on("error", () => stream.destroy());
        stream.on("error", () => inner.destroy());
        stream.pipe(inner).pipe(stream);
      });
  });
  const dialled: string[] = [];
  const dialer: Dialer = (target, options) => {
    dialled.push(`${target.host}:${target.port}`);
    return socks5Dialer(world.socks)(target, options);
  };
  const moved = [hosts[0]!, { ...hosts[1]!, port: 2222 }];
  const before = { "rack-1": state("rack-1"), "rack-2": state("rack-2") };
  const { nodes } = await cluster("own", { hosts: moved, dialer }).up();
  expect(nodes.every(({ ready }) => ready)).toBe(true);
  expect(JSON.parse(claim("rack-2")!).made.packages).not.toContain("zerotier-one");
  expect(machine("rack-2").files.read("/var/lib/zerotier-one/local.conf")).not.toBe(own);
  const { hosts: listed } = await cluster("own", { hosts: moved, dialer }).inventory();
  expect(listed.find(({ name }) => name === "own-rack-worker-1")?.port).toBe(2222);
  const effects = world.effects.all.length;
  await cluster("own", { hosts: moved, dialer }).up();
  expect(world.effects.all.slice(effects)).toEqual([]);
  await cluster("own", { hosts: moved, dialer }).destroy();
  stop();
  expect(dialled).toContain(`${hosts[1]!.address}:2222`);
  expect(dialled.filter((target) => target === `${hosts[1]!.address}:22`)).toEqual([]);
  const identity = machine("rack-2").files.read("/var/lib/zerotier-one/identity.secret");
  expect([identity, machine("rack-2").unitState("zerotier-one")]).toEqual([owner, "active"]);
  expect({ "rack-1": state("rack-1"), "rack-2": state("rack-2") }).toEqual(before);
});

test.each([
  { what: "its packages are being installed", kind: "package", host: "rack-1", name: "zerotier-one" },
  {
    what: "its own login may come in",
    kind: "file",
    host: "rack-2",
    name: "/home/multicloud/.ssh/authorized_keys",
  },
  // Our settings are the daemon's now; joining is still to come.
  {
    what: "the overlay has its settings",
    kind: "file",
    host: "rack-2",
    name: "/var/lib/zerotier-one/local.conf",
  },
])(
  "a claim that is cut off when $what leaves nothing behind either, once it is destroyed",
  async ({ kind, host, name }) => {
    const before: Record<string, unknown> = { "rack-1": state("rack-1"), "rack-2": state("rack-2") };
    const abort = new AbortController();
    const stop = world.effects.listen((effect) => {
      // The other host may be anywhere then.
      if (effect.kind === kind && effect.name === `${host}:${name}`) abort.abort(new Error("cut off"));
    });
    const cut = await errorOf(cluster("half").up({ signal: abort.signal }));
    stop();
    expect(cut.code).toBe("ABORTED");
    expect(JSON.parse(claim(host)!)).toMatchObject({ cluster: "half", state: "preparing" });
    expect(state(host)).not.toEqual(before[host]);
    await cluster("half").destroy();
    expect({ "rack-1": state("rack-1"), "rack-2": state("rack-2") }).toEqual(before);
  },
);

async function asOwner<T>(name: string, work: (host: SshHost) => Promise<T>): Promise<T> {
  const { address, user, hostKey } = hosts.find((one) => one.name === name)!;
  const dialer = socks5Dialer(world.socks);
  const host = await connect({ host: address, user, hostKeys: [hostKey], privateKeyFile, dialer });
  try {
    return await work(host);
  } finally {
    await host.close();
  }
}
