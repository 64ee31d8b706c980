import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { stringify } from "yaml";
import { createCloudflare } from "../cloudflare/cloudflare-dns.js";
import { createDigitalOcean } from "../digitalocean/digitalocean-cloud.js";
import { createDistributions } from "../distribution/module.js";
import { haproxyModule } from "../haproxy/module.js";
import { createKubernetesClusters } from "../kubernetes/kubernetes-cluster.js";
import { createOpenStack } from "../openstack/openstack-cloud.js";
import { createReleases } from "../releases/releases.js";
import { dockerModule } from "../rke/docker/module.js";
import { createRkeTool } from "../rke/tool/rke-tool.js";
import { createWorld } from "../world/create-world.js";
import type { Effects } from "../world/effects.js";
import type { Faults } from "../world/faults.js";
import { startSocks } from "../world/socks-server.js";
import { realisticTiming } from "../world/timing.js";
import type { World } from "../world/world.js";
import { createZeroTier } from "../zerotier/zerotier.js";
import { createHomeGateway, type HomeGateway } from "./home-gateway.js";
import type { SandboxOptions } from "./options.js";
import { resources, type Services } from "./resources.js";

/** Emulated clouds on loopback, and what a script needs to use them as it would use the real ones. */
export interface Sandbox {
  /** Environment that leads the plugins' factories to the emulated services: credentials, endpoints, and a `PATH` on which `rke` is. */
  readonly env: Readonly<Record<string, string>>;
  /** URL of a SOCKS5 proxy that is the operator's way into the emulated internet. */
  readonly socks: string;
  /** What differs from home to home. */
  readonly home: HomeGateway["settings"] & {
    readonly network: string;
    readonly zone: string;
    readonly email: string;
    readonly manifests: { readonly longhorn: Manifest; readonly certManager: Manifest };
  };
  /** An empty directory for the state; removed by `close`. */
  readonly stateDirectory: string;
  readonly effects: Effects;
  readonly faults: Faults;
  readonly world: World;
  readonly services: Services;
  /** Everything that somebody made in any service and that is still there. */
  resources(): readonly string[];
  /** What public DNS answers. */
  resolve(name: string): readonly string[];
  /** Cuts or restores the power of the site behind NAT: its machines and its router. */
  setPower(site: "home", on: boolean): void;
  /** Calls served so far by each service. */
  calls(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** A manifest to be downloaded, with its SHA-256 in hexadecimal. */
export interface Manifest {
  readonly url: string;
  readonly sha256: string;
}

/**
 * Starts a home OpenStack behind NAT (`home`), one with public addresses (`ramnode`), DigitalOcean, ZeroTier
 * Central, Cloudflare (zone `example.com`), a mirror of the addons' manifests, machines with SSH and an `rke`
 * program. Nothing listens but on loopback.
 */
export async function sandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { scale = 0, machineLimit = 200 } = options;
  const world = createWorld({ scale, timing: { ...realisticTiming, ...options.timing } });
  const directory = await mkdtemp(join(tmpdir(), "multicloud-sandbox-"));
  const gateway = await createHomeGateway(world, directory, options.homeProxy ?? true);
  const clusters = createKubernetesClusters(world);
  world.machines.use(haproxyModule(world));
  world.machines.use(dockerModule(world, clusters));
  const distributions = createDistributions(world, clusters);
  world.machines.use(distributions.module);
  const quotas = {
    instances: machineLimit,
    cores: machineLimit * 8,
    ram: machineLimit * 16_384,
    volumes: machineLimit,
    gigabytes: machineLimit * 100,
  };
  const home = await createOpenStack(world, {
    name: "home",
    networks: [
      { name: "private", kind: "lan", lan: gateway.lan, cidr: "192.168.64.0/22", project: "multicloud" },
    ],
    quotas,
  });
  const ramnode = await createOpenStack(world, {
    name: "ramnode",
    networks: [{ name: "public", kind: "public", cidr: "198.18.64.0/22" }],
    quotas,
  });
  const digitalocean = await createDigitalOcean(world, { dropletLimit: machineLimit });
  const zerotier = await createZeroTier(world);
  const cloudflare = await createCloudflare(world);
  const releases = await createReleases(world);
  const rke = await createRkeTool(world, clusters);
  const socks = await startSocks(world);
  const services: Services = {
    openstacks: [home, ramnode],
    digitalocean,
    zerotier,
    cloudflare,
    kubernetes: clusters,
    rke,
    distributions,
  };

  const cloudsFile = join(directory, "clouds.yaml");
  await writeFile(cloudsFile, stringify({ clouds: { home: home.cloudsYaml, ramnode: ramnode.cloudsYaml } }), {
    mode: 0o600,
  });

  return {
    env: {
      OS_CLIENT_CONFIG_FILE: cloudsFile,
      DIGITALOCEAN_TOKEN: digitalocean.token,
      DIGITALOCEAN_API_URL: digitalocean.url,
      ZEROTIER_CENTRAL_TOKEN: zerotier.token,
      ZEROTIER_CENTRAL_URL: zerotier.url,
      CLOUDFLARE_API_TOKEN: cloudflare.token,
      CLOUDFLARE_BASE_URL: cloudflare.url,
      PATH: [dirname(rke.binary), process.env.PATH].join(delimiter),
    },
    socks: socks.url,
    home: {
      ...gateway.settings,
      network: zerotier.networks[0]!,
      zone: "example.com",
      email: "ops@example.com",
      manifests: { longhorn: releases.longhorn, certManager: releases.certManager },
    },
    stateDirectory: join(directory, "state"),
    effects: world.effects,
    faults: world.faults,
    world,
    services,
    resources: () => resources(services),
    resolve: (name) => cloudflare.resolve(name),
    setPower: (_site, on) => world.network.setPower(gateway.lan, on),
    calls() {
      const counts: Record<string, number> = {};
      for (const cloud of [home, ramnode]) {
        counts[cloud.name] = Object.values(cloud.calls).reduce((sum, calls) => sum + calls.length, 0);
      }
      return {
        ...counts,
        digitalocean: digitalocean.calls.length,
        zerotier: zerotier.calls.length,
        cloudflare: cloudflare.calls.length,
      };
    },
    async close() {
      await Promise.all(
        [home, ramnode, digitalocean, zerotier, cloudflare, releases, rke, socks].map((one) => one.close()),
      );
      await world.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
