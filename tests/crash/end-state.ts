import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox, VirtualMachine } from "@multicloud/testing";
import { createNames, type Names } from "./names.js";

/**
 * Everything there is in all services, one line each, with what differs from run to run (ids, addresses, keys)
 * given names. Two things of one name are two equal lines.
 */
export async function endState(world: Sandbox): Promise<readonly string[]> {
  const names = createNames(world.world.machines.all());
  const lines = [
    ...openstackLines(world),
    ...digitaloceanLines(world),
    ...zerotierLines(world),
    ...world.services.cloudflare
      .list()
      .map(({ type, name, content, ttl, proxied, comment }) =>
        line("cloudflare record", { type, name, content, ttl, proxied, comment }),
      ),
    ...kubernetesLines(world),
    ...[...world.world.machines.all()]
      .sort((one, other) => (one.spec.hostname < other.spec.hostname ? -1 : 1))
      .flatMap((machine) => machineLines(machine, names)),
    ...(await stateLines(world, names)),
    line("rke runs", world.services.rke.running),
  ];
  return lines.map((text) => names.replace(text)).sort();
}

/** What one has and the other lacks. Each line counts as often as it is there. */
export function difference(expected: readonly string[], found: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of found) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const text of expected) counts.set(text, (counts.get(text) ?? 0) - 1);
  return [...counts].flatMap(([text, count]) =>
    Array<string>(Math.abs(count)).fill(count > 0 ? `too much: ${text}` : `missing: ${text}`),
  );
}

function line(what: string, value: unknown): string {
  return `${what} ${typeof value === "string" ? value : JSON.stringify(value)}`;
}

function openstackLines(world: Sandbox): string[] {
  return world.services.openstacks.flatMap((cloud) => {
    const {
      servers,
      ports,
      volumes,
      securityGroups,
      securityGroupRules,
      keypairs,
      floatingIps,
      serverGroups,
    } = cloud.list();
    return [
      ...servers.map(({ name, status, metadata }) =>
        line(`${cloud.name} server`, { name, status, metadata }),
      ),
      line(`${cloud.name} ports`, ports.length),
      ...volumes.map(({ name, status, type, size }) =>
        line(`${cloud.name} volume`, { name, status, type, size }),
      ),
      ...securityGroups.map(({ name, description }) => line(`${cloud.name} group`, { name, description })),
      ...securityGroupRules.map(({ name, group }) => line(`${cloud.name} rule`, { name, group })),
      ...keypairs.map(({ name }) => line(`${cloud.name} keypair`, name)),
      ...serverGroups.map(({ name }) => line(`${cloud.name} server group`, name)),
      ...floatingIps.map(({ name }) => line(`${cloud.name} floating ip`, name)),
    ];
  });
}

function digitaloceanLines(world: Sandbox): string[] {
  const { droplets, keys, tags, firewalls, volumes, reservedIps } = world.services.digitalocean.list();
  return [
    ...droplets.map(({ name, region, size, image, tags: own, status, keys: logins }) =>
      line("digitalocean droplet", {
        name,
        region: region.slug,
        size: size.slug,
        image: image.slug,
        tags: [...own].sort(),
        keys: logins.length,
        status,
      }),
    ),
    ...keys.map(({ name }) => line("digitalocean key", name)),
    ...tags.map((tag) => line("digitalocean tag", tag)),
    ...firewalls.map(({ name }) => line("digitalocean firewall", name)),
    ...[...volumes, ...reservedIps].map((name) => line("digitalocean other", name)),
  ];
}

function zerotierLines(world: Sandbox): string[] {
  return world.services.zerotier.list().flatMap(({ id, members }) =>
    members.map(({ name, description, authorized, noAutoAssignIps, ipAssignments }) =>
      line(`zerotier ${id} member`, {
        name,
        description,
        authorized,
        noAutoAssignIps,
        ips: ipAssignments.length,
      }),
    ),
  );
}

// What the API server and the scheduler make up, and what controllers keep touching.
const volatileFields = new Set([
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "managedFields",
  "observedGeneration",
  "lastTransitionTime",
  "lastHeartbeatTime",
  "lastUpdateTime",
  "startTime",
  "startedAt",
  "podIP",
  "podIPs",
  "hostIP",
  "hostIPs",
  "nodeName",
  "clusterIP",
  "clusterIPs",
]);

function kubernetesLines(world: Sandbox): string[] {
  return world.services.kubernetes.all().flatMap((cluster, index) =>
    cluster.objects().map((object) =>
      line(
        `kubernetes ${index + 1}`,
        JSON.stringify(object, (key, value: unknown) =>
          volatileFields.has(key) ? undefined : sorted(value),
        ),
      ),
    ),
  );
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

interface Docker {
  readonly containers: ReadonlyMap<string, { readonly name: string; readonly status: string }>;
  readonly images: ReadonlySet<string>;
}

function machineLines(machine: VirtualMachine, names: Names): string[] {
  const { hostname } = machine.spec;
  const docker = machine.attachments.get("docker") as Docker | undefined;
  return [
    line(`${hostname} machine`, { state: machine.state, interfaces: machine.interfaceNames?.() }),
    ...[...machine.packages].map(([name, version]) => line(`${hostname} package`, `${name} ${version}`)),
    ...["docker", "iscsid", "ssh", "zerotier-one"].map((unit) =>
      line(`${hostname} unit`, `${unit} ${machine.unitState(unit)}`),
    ),
    ...[...(docker?.containers.values() ?? [])].map(({ name, status }) =>
      line(`${hostname} container`, `${name} ${status}`),
    ),
    ...[...(docker?.images ?? [])].map((image) => line(`${hostname} image`, image)),
    ...machine.files.list().map(({ path, type, mode, uid, gid, content }) => {
      const what = content === undefined ? "" : names.content(path, content);
      return line(`${hostname} ${type}`, `${path} ${mode.toString(8)} ${uid}:${gid} ${what}`);
    }),
  ];
}

async function stateLines(world: Sandbox, names: Names): Promise<string[]> {
  const directory = world.stateDirectory;
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = `state${path.slice(directory.length)}`;
      const mode = ((await stat(path)).mode & 0o7777).toString(8);
      const content = entry.isFile() ? names.content(name, await readFile(path, "utf8")) : "directory";
      return line(name, `${mode} ${content}`);
    }),
  );
}
