import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Multicloud, type MulticloudError, multicloud, type SiteConfig } from "@multicloud/core";
import type { Dialer } from "@multicloud/core/plugin";
import { connect, generateKeyPair, type SshHost, socks5Dialer } from "@multicloud/ssh";
import { instantTiming, type Sandbox, sandbox, type VirtualMachine } from "@multicloud/testing";
import { expect } from "vitest";
import { digitalocean } from "../../provider-digitalocean/src/index.js";
import { rke } from "../../rke/src/index.js";
import { zerotier } from "../../zerotier/src/index.js";
import { type StaticHost, staticHosts } from "../src/index.js";

/** Two hosts that somebody set up, `rack-1` and `rack-2`, beside the emulated clouds. */
export interface Rack {
  readonly world: Sandbox;
  readonly hosts: readonly StaticHost[];
  /** Of the hosts' owner. */
  readonly privateKeyFile: string;
  machine(name: string): VirtualMachine;
  /** The claim that a host has, as it is written there. */
  claim(name: string): string | undefined;
  /** What a host looks like from outside: its users, and the containers and folders of a cluster. */
  state(name: string): ReturnType<typeof stateOf>;
  /** Names of the containers that the emulated Docker daemon of a host has. */
  containersOf(name: string): string[];
  /** A cluster of both hosts and a droplet. */
  cluster(
    name?: string,
    change?: Partial<SiteConfig> & { readonly hosts?: readonly StaticHost[]; readonly dialer?: Dialer },
  ): Multicloud;
  /** Does something on a host as its owner. */
  asOwner<T>(name: string, work: (host: SshHost) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function openRack(): Promise<Rack> {
  const world = await sandbox({ scale: 0, timing: instantTiming });
  const login = await generateKeyPair("owner of the hosts");
  const privateKeyFile = `${world.stateDirectory}-login`;
  await writeFile(privateKeyFile, login.privateKey, { mode: 0o600 });
  const hosts = await Promise.all(
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
  const machine = (name: string) => world.world.machines.get(name)!;

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

  return {
    world,
    hosts,
    privateKeyFile,
    machine,
    claim: (name) => machine(name).files.read("/etc/multicloud/claim.json"),
    state: (name) => stateOf(machine(name)),
    containersOf: (name) => containersOf(machine(name)),
    cluster,
    asOwner,
    async close() {
      await world.close();
      await rm(world.stateDirectory, { recursive: true, force: true });
      await rm(privateKeyFile, { force: true });
    },
  };
}

/** Names of the containers that the emulated Docker daemon of a host has. */
function containersOf(host: VirtualMachine): string[] {
  const docker = host.attachments.get("docker") as
    | { readonly containers: ReadonlyMap<string, { readonly name: string }> }
    | undefined;
  return [...(docker?.containers.values() ?? [])].map((container) => container.name).sort();
}

/** What a host looks like from outside: its users, and the containers and folders of a cluster. */
function stateOf(host: VirtualMachine) {
  const { files } = host;
  return {
    users: files.read("/etc/passwd"),
    claim: files.read("/etc/multicloud/claim.json"),
    containers: containersOf(host),
    sudo: files
      .list()
      .filter(({ path }) => path.startsWith("/etc/sudoers.d/"))
      .map(({ path }) => path),
    packages: [...host.packages.keys()].sort(),
    interfaces: host.interfaceNames?.(),
    daemon: host.unitState("zerotier-one"),
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

/** The error that it fails with. */
export const errorOf = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => expect.fail("this has to fail"),
    (error: MulticloudError) => error,
  );
