import { addressIn, isIn } from "./addresses.js";
import { membersOf } from "./nova-server-groups.js";
import type { ImageRecord, NetworkRecord, PortRecord, ServerRecord } from "./records.js";
import { type CloudState, newId, timestamp } from "./state.js";

/** A network of a new server, and the address in it when one was asked for. */
export interface AskedNetwork {
  readonly network: NetworkRecord;
  readonly address?: string;
  /** A port that was made before. */
  readonly port?: PortRecord;
}

/** What a server is to get while it is built. */
export interface BuildPlan {
  readonly networks: readonly AskedNetwork[];
  readonly image: ImageRecord;
  readonly volume:
    | { readonly size: number; readonly type: string; readonly deleteOnTermination: boolean }
    | undefined;
}

/** Builds a server in virtual time: ports and volume first, then the machine is switched on. */
export function startBuild(state: CloudState, server: ServerRecord, plan: BuildPlan): void {
  const failure = takeFailure(state) ?? allocate(state, server, plan);
  server.taskState = "spawning";
  server.cancelBuild = state.world.clock.after(state.world.timing.buildMs, () => {
    if (state.servers.get(server.id) !== server || server.taskState === "deleting") return;
    server.taskState = null;
    server.unscheduled = failure?.startsWith(noValidHost) ?? false;
    if (failure !== undefined) return fail(state, server, failure);
    server.status = "ACTIVE";
    for (const { volume } of server.volumes) volume.status = "in-use";
    boot(state, server, plan);
  });

  function takeFailure(from: CloudState): string | undefined {
    const [next] = from.failures;
    if (!next) return undefined;
    next.left -= 1;
    if (next.left <= 0) from.failures.shift();
    // A build that leaves its volume behind got as far as having one.
    if (!next.leaveVolume) return next.message;
    allocate(from, server, plan);
    server.leavesVolume = true;
    const id = server.volumes[0]?.volume.id ?? "";
    if (next.leaveVolume === "lost") {
      for (const { volume } of server.volumes.splice(0)) {
        volume.server = undefined;
        volume.status = "available";
      }
    }
    return next.message.replace("{volume}", id);
  }
}

/** What Nova says when no host has room. */
const noValidHost = "No valid host was found. ";

/** Ports and the boot volume; gives the reason when something cannot be had. */
function allocate(state: CloudState, server: ServerRecord, plan: BuildPlan): string | undefined {
  if (server.flavor.vcpus > state.largestHost.vcpus) return noValidHost;
  if (server.serverGroup?.policy === "anti-affinity") {
    const apart = membersOf(state, server.serverGroup).filter((id) => id !== server.id);
    const onHosts = apart.filter((id) => state.servers.get(id)?.onHost);
    if (onHosts.length >= state.hosts) return noValidHost;
  }
  server.onHost = true;
  for (const { network, address: asked, port: own } of plan.networks) {
    if (own) {
      own.server = server;
      continue;
    }
    if (asked !== undefined && network.owner === undefined) {
      // Neutron forbids it (`create_port:fixed_ips:ip_address`), and Nova tries one host after the other.
      return `Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance ${server.id}.`;
    }
    if (asked !== undefined && !isIn(asked, network)) {
      return `Build of instance ${server.id} aborted: Invalid input received: Fixed IP ${asked} is not a valid ip address for network ${network.id}.`;
    }
    const address = asked ?? addressIn(state, network);
    if (address === undefined) {
      return `Build of instance ${server.id} aborted: Failed to allocate the network(s), not rescheduling.`;
    }
    const port: PortRecord = {
      id: newId(),
      project: server.user.project,
      network,
      server,
      address,
      mac: `fa:16:3e:${server.id.slice(0, 2)}:${server.id.slice(2, 4)}:${server.id.slice(4, 6)}`,
      groups: server.groups,
    };
    state.ports.set(port.id, port);
  }
  if (!plan.volume) return undefined;
  const { project } = server.user;
  const volumes = [...state.volumes.values()].filter((volume) => volume.project === project);
  const { volumes: most, gigabytes } = server.user.project.quotas;
  if (most >= 0 && volumes.length >= most) {
    return `Build of instance ${server.id} aborted: VolumeLimitExceeded: Maximum number of volumes allowed (${most}) exceeded for quota 'volumes'.`;
  }
  const used = volumes.reduce((sum, volume) => sum + volume.size, 0);
  if (gigabytes >= 0 && used + plan.volume.size > gigabytes) {
    return `Build of instance ${server.id} aborted: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested ${plan.volume.size}G, quota is ${gigabytes}G and ${used}G has been consumed.`;
  }
  if (state.brokenVolumeTypes.includes(plan.volume.type)) {
    // Nova takes the volume back that it gave up on.
    return `Build of instance ${server.id} aborted: Volume ${newId()} did not finish being created even after we waited 0 seconds or 1 attempts. And its status is error.`;
  }
  const volume = {
    id: newId(),
    name: "",
    description: "",
    project,
    size: plan.volume.size,
    type: plan.volume.type,
    createdAt: timestamp(state),
    metadata: {},
    status: "in-use" as const,
    server,
  };
  state.volumes.set(volume.id, volume);
  server.volumes.push({ volume, deleteOnTermination: plan.volume.deleteOnTermination });
  return undefined;
}

function fail(state: CloudState, server: ServerRecord, message: string): void {
  server.status = "ERROR";
  server.fault = { code: 500, message, created: timestamp(state) };
  // Nova gives the ports of a failed build back; the volume stays with the server until that goes.
  for (const port of portsOf(state, server)) releasePort(state, port);
}

/** Nova's own ports go; others are let go. */
function releasePort(state: CloudState, port: PortRecord): void {
  if (port.made) port.server = undefined;
  else removePort(state, port);
}

/** Takes a port away. A floating IP at it stays, at nothing. */
export function removePort(state: CloudState, port: PortRecord): void {
  state.ports.delete(port.id);
  for (const floating of state.floatingIps.values()) {
    if (floating.port === port) floating.port = undefined;
  }
}

function boot(state: CloudState, server: ServerRecord, plan: BuildPlan): void {
  const ports = portsOf(state, server);
  const inner = ports.find((port) => port.network.kind === "lan");
  const outer = ports.find((port) => port.network.kind === "public");
  state.world.machines.boot({
    id: server.id,
    hostname: server.name,
    image: plan.image.family,
    sshKeys: server.publicKey === undefined ? [] : [server.publicKey],
    ...(server.userData === undefined
      ? {}
      : { userData: new Uint8Array(Buffer.from(server.userData, "base64")) }),
    ...(inner ? { lan: inner.network.lan!, privateAddress: inner.address } : {}),
    ...(outer ? { publicAddress: outer.address } : {}),
  });
}

/** Deletes a server in virtual time. */
export function startDelete(state: CloudState, server: ServerRecord): void {
  server.taskState = "deleting";
  server.cancelBuild();
  state.world.clock.after(state.world.timing.deleteMs, () => finishDelete(state, server));
}

/** Takes a server away with all that came with it. */
export function finishDelete(state: CloudState, server: ServerRecord): void {
  if (state.servers.get(server.id) !== server) return;
  server.cancelBuild();
  state.servers.delete(server.id);
  state.world.machines.destroy(server.id);
  for (const port of portsOf(state, server)) releasePort(state, port);
  for (const { volume, deleteOnTermination } of server.volumes) {
    volume.server = undefined;
    volume.status = "available";
    if (deleteOnTermination && !server.leavesVolume) state.volumes.delete(volume.id);
  }
}

/** Ports of a server, in the order of its networks. */
export function portsOf(state: CloudState, server: ServerRecord): readonly PortRecord[] {
  return [...state.ports.values()].filter((port) => port.server === server);
}
