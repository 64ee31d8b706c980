import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  MachineRequest,
  MachineShape,
  Report,
  SharedRequest,
  SiteContext,
} from "@multicloud/core/plugin";
import { onTestFinished } from "vitest";
import { stringify } from "yaml";
import { createOpenStack } from "../../testing/src/openstack/openstack-cloud.js";
import type { OpenStackCloud, OpenStackOptions } from "../../testing/src/openstack/options.js";
import { createClock } from "../../testing/src/world/clock.js";
import { createEffects } from "../../testing/src/world/effects.js";
import { createFaults } from "../../testing/src/world/faults.js";
import type { MachineSpec, Machines, VirtualMachine } from "../../testing/src/world/machines.js";
import { createNetwork } from "../../testing/src/world/network-fabric.js";
import { instantTiming, type Timing } from "../../testing/src/world/timing.js";
import type { World } from "../../testing/src/world/world.js";

/** A world with machines that are only noted down. */
export interface TestWorld extends World {
  readonly booted: Map<string, MachineSpec>;
}

export function createTestWorld(timing: Partial<Timing> = {}, scale = 0): TestWorld {
  const world = createBareWorld(timing, scale);
  onTestFinished(() => world.clock.stop());
  return world;
}

/** The same outside of a test; whoever makes it stops its clock. */
export function createBareWorld(timing: Partial<Timing> = {}, scale = 0): TestWorld {
  const booted = new Map<string, MachineSpec>();
  const machines: Pick<Machines, "boot" | "destroy"> = {
    boot(spec) {
      booted.set(spec.id, spec);
      return { spec } as VirtualMachine;
    },
    destroy: (id) => void booted.delete(id),
  };
  const clock = createClock(scale);
  const times = { ...instantTiming, ...timing };
  return {
    clock,
    effects: createEffects(),
    faults: createFaults(),
    timing: times,
    machines: machines as Machines,
    network: createNetwork(clock, times),
    booted,
  };
}

export const alice = {
  name: "alice",
  password: "alices-password",
  project: "homelab",
  applicationCredential: { secret: "alices-credential-secret" },
};
const bob = { name: "bob", password: "bobs-password", project: "homelab" };

/** A running cloud with users of the same project, and a `clouds.yaml` for them: `home`, `home-password`, `bob`. */
export async function startCloud(
  world: TestWorld,
  options: Partial<OpenStackOptions> = {},
): Promise<OpenStackCloud & { readonly cloudsFile: string }> {
  const cloud = await createOpenStack(world, {
    name: "home",
    users: [alice, bob],
    networks: [{ name: "homenet", kind: "lan", cidr: "10.20.0.0/16" }],
    ...options,
  });
  const folder = await mkdtemp(join(tmpdir(), "multicloud-openstack-"));
  const cloudsFile = join(folder, "clouds.yaml");
  const clouds = {
    home: cloud.cloudsYaml,
    ...(options.users
      ? {}
      : {
          "home-password": cloud.cloudsYamlFor("alice", "password"),
          bob: cloud.cloudsYamlFor("bob", "password"),
        }),
  };
  await writeFile(cloudsFile, stringify({ clouds }), { mode: 0o600 });
  onTestFinished(async () => {
    await cloud.close();
    await rm(folder, { recursive: true });
  });
  return { ...cloud, cloudsFile };
}

/** A context, and what was reported through it. */
export function createContext(
  options: { readonly cluster?: string; readonly site?: string; readonly signal?: AbortSignal } = {},
): SiteContext & { readonly reports: Report[] } {
  const reports: Report[] = [];
  return {
    cluster: options.cluster ?? "multicloud",
    site: options.site ?? "home",
    signal: options.signal ?? new AbortController().signal,
    dialer: () => Promise.reject(new Error("not dialled in this test")),
    report: (report) => void reports.push(report),
    reports,
  };
}

export function shape(name: string, more: Partial<MachineShape> = {}): MachineShape {
  return { name, role: "worker", size: "g1.medium", image: "debian-12", ...more };
}

export function request(name: string, more: Partial<MachineRequest> = {}): MachineRequest {
  return { ...shape(name), spec: "spec-1", userData: "#cloud-config\n", ...more };
}

/** The smallest machine, and one that boots from a volume of the other type. */
export const small = (name: string) => request(name, { size: "g1.small" });
export const withDisk = (name: string) =>
  request(name, { size: "g1.small", disk: { sizeGiB: 2, type: "fast" } });

export const operatorKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVKXi0gXfDQrJqDDRTkzsFbo2Dh5Ub6hFGRYCnvWoXs operator@desk";
export const otherKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio other@desk";

export const shared: SharedRequest = {
  sshPublicKey: operatorKey,
  firewall: [
    { protocol: "tcp", port: 22, sources: ["192.0.2.77/24", "2001:DB8:0:0::5/32"] },
    { protocol: "tcp", port: 443 },
    { protocol: "udp", port: 9993 },
  ],
};

/** Looks again until it is so; the emulator's time passes meanwhile. */
export async function until<T>(look: () => Promise<T> | T, isSo: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await look();
    if (isSo(value)) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What changed the cloud, as `action kind name`. */
export function effectsOf(world: World): string[] {
  return world.effects.all.map((effect) => `${effect.action} ${effect.kind} ${effect.name}`);
}
