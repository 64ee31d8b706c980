import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type MulticloudConfig,
  type MulticloudError,
  multicloud,
  type PoolConfig,
  type Run,
  type RunEvent,
  type SiteConfig,
} from "@multicloud/core";
import { type CloudflareOptions, cloudflare } from "@multicloud/dns-cloudflare";
import { connect, type KubernetesApi } from "@multicloud/kubernetes";
import { digitalocean } from "@multicloud/provider-digitalocean";
import { openstack } from "@multicloud/provider-openstack";
import { type RkeOptions, rke } from "@multicloud/rke";
import { socks5Dialer } from "@multicloud/ssh";
import { instantTiming, type Sandbox, type SandboxOptions, sandbox } from "@multicloud/testing";
import { type ZeroTierOptions, zerotier } from "@multicloud/zerotier";
import { expect } from "vitest";

/** Masters and workers of each site; a site without either is left out. */
export interface Shape {
  readonly home?: readonly [masters: number, workers: number];
  readonly ramnode?: readonly [masters: number, workers: number];
  readonly digitalocean?: readonly [masters: number, workers: number];
}

/** What a story changes in the configuration. */
export interface Changes extends Partial<Omit<MulticloudConfig, "sites" | "overlay" | "entrypoint">> {
  readonly pool?: Partial<PoolConfig>;
  /** Merged over the pools of one site. */
  readonly masters?: Partial<Record<keyof Shape, Partial<PoolConfig>>>;
  readonly workers?: Partial<Record<keyof Shape, Partial<PoolConfig>>>;
  readonly site?: Partial<Record<keyof Shape, Partial<SiteConfig>>>;
  readonly digitalocean?: { readonly token?: string };
  readonly rke?: RkeOptions;
  readonly zerotier?: Partial<ZeroTierOptions>;
  /** `undefined`, when given, leaves the entrypoint out. */
  readonly cloudflare?: Partial<CloudflareOptions> | undefined;
}

/** Emulated clouds with a way to describe clusters in them. */
export interface Lab extends Sandbox {
  cluster(shape: Shape, changes?: Changes): ReturnType<typeof multicloud>;
  /** State directory of a cluster. */
  state(name?: string, ...path: string[]): string;
  /** Effects from the given number on, as `service kind action name`. */
  effectsSince(count: number): string[];
}

export async function openLab(options: Pick<SandboxOptions, "homeProxy"> = {}): Promise<Lab> {
  const world = await sandbox({ scale: 0, timing: instantTiming, ...options });
  const { env } = world;
  const state = (name = "lab", ...path: string[]) => join(world.stateDirectory, name, ...path);

  function config(shape: Shape, changes: Changes): MulticloudConfig {
    const {
      pool,
      masters,
      workers,
      site,
      digitalocean: droplets,
      rke: engine,
      zerotier: overlay,
      cloudflare: dns,
      ...rest
    } = changes;
    const shapes = {
      home: { size: "g1.small", image: "debian-12" },
      ramnode: { size: "g1.small", image: "debian-12" },
      digitalocean: { size: "s-1vcpu-2gb", image: "debian-12-x64" },
    };
    const providers = {
      home: () => ({
        provider: openstack({ cloud: "home", cloudsFile: env.OS_CLIENT_CONFIG_FILE! }),
        nat: { publicAddress: world.home.router },
        jump: world.home.jump,
      }),
      ramnode: () => ({ provider: openstack({ cloud: "ramnode", cloudsFile: env.OS_CLIENT_CONFIG_FILE! }) }),
      digitalocean: () => ({
        provider: digitalocean({
          token: env.DIGITALOCEAN_TOKEN!,
          baseURL: env.DIGITALOCEAN_API_URL!,
          region: "fra1",
          requestsPerMinute: 100_000,
          ...droplets,
        }),
      }),
    };
    const sites: Record<string, SiteConfig> = {};
    for (const name of ["home", "ramnode", "digitalocean"] as const) {
      const counts = shape[name];
      if (!counts) continue;
      const pools = {
        masters: { count: counts[0], ...shapes[name], ...pool, ...masters?.[name] },
        workers: { count: counts[1], ...shapes[name], ...pool, ...workers?.[name] },
      };
      sites[name] = {
        ...providers[name](),
        ...(pools.masters.count > 0 ? { masters: pools.masters } : {}),
        ...(pools.workers.count > 0 || pools.masters.count === 0 ? { workers: pools.workers } : {}),
        ...site?.[name],
      };
    }
    return {
      name: "lab",
      sites,
      overlay: zerotier({
        network: world.home.network,
        token: env.ZEROTIER_CENTRAL_TOKEN!,
        baseURL: env.ZEROTIER_CENTRAL_URL!,
        requestsPerSecond: 100_000,
        ...overlay,
      }),
      engine: rke({ binary: join(env.PATH!.split(":")[0]!, "rke"), attempts: 2, retryDelayMs: 1, ...engine }),
      ...("cloudflare" in changes && dns === undefined
        ? {}
        : {
            entrypoint: cloudflare({
              zone: world.home.zone,
              record: "*.apps",
              token: env.CLOUDFLARE_API_TOKEN!,
              baseURL: env.CLOUDFLARE_BASE_URL!,
              ...dns,
            }),
          }),
      dialer: socks5Dialer(world.socks),
      state: state(rest.name),
      ...rest,
      timing: { pollMs: 10, sshMs: 30_000, machineMs: 60_000, ...rest.timing },
    };
  }

  return {
    ...world,
    cluster: (shape, changes = {}) => multicloud(config(shape, changes)),
    state,
    effectsSince: (count) =>
      world.effects.all
        .slice(count)
        .map(({ service, kind, action, name }) => `${service} ${kind} ${action} ${name}`),
    async close() {
      await world.close();
      await rm(world.stateDirectory, { recursive: true, force: true });
    },
  };
}

/** All events of a run that may fail. */
export async function eventsOf(run: Run<unknown>): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}

/** The error that a run ends with. */
export async function errorOf(run: PromiseLike<unknown>): Promise<MulticloudError> {
  return run.then(
    () => {
      throw new Error("the run was expected to fail");
    },
    (error) => error,
  );
}

/** Every file and directory below a directory with its mode and when it was written, sorted. */
export async function filesBelow(directory: string) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const found = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const { mode, mtimeMs } = await stat(path);
    return {
      path,
      mode: mode & 0o777,
      isDirectory: entry.isDirectory(),
      ...(entry.isFile() ? { mtimeMs } : {}),
    };
  });
  return (await Promise.all(found)).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Names of all machines that somebody made, sorted. */
export function machineNames(lab: Lab): string[] {
  const names = lab.world.machines.all().map(({ spec }) => spec.hostname);
  return names.filter((name) => name !== "gateway").sort();
}

/** Names of the overlay's members that are let in, sorted. */
export function authorizedMembers(lab: Lab): string[] {
  const members = lab.services.zerotier.list().flatMap((network) => network.members);
  return members.flatMap(({ authorized, name }) => (authorized ? [name] : [])).sort();
}

/** Asks the cluster's API as kubectl would, with the kubeconfig that `up()` left. */
export async function kubernetesOf<T>(
  lab: Lab,
  ask: (api: KubernetesApi) => Promise<T>,
  cluster = "lab",
): Promise<T> {
  const kubeconfig = await readFile(lab.state(cluster, "kubeconfig"), "utf8");
  const api = await connect(kubeconfig, { dialer: socks5Dialer(lab.socks) });
  try {
    return await ask(api);
  } finally {
    await api.close();
  }
}

/** Expects all of these, the first of each before the first of the next. */
export function expectInOrder(effects: readonly string[], wanted: readonly string[]): void {
  expect(wanted.filter((effect) => !effects.includes(effect))).toEqual([]);
  expect([...wanted].sort((a, b) => effects.indexOf(a) - effects.indexOf(b))).toEqual(wanted);
}
