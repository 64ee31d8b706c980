import type { VirtualMachine } from "../world/machines.js";
import type { World } from "../world/world.js";
import type { Fabric, NetworkRecord } from "./fabric.js";
import { deviceName, digits, macAddress, makeIdentity } from "./names.js";

/** Where the daemon keeps its files. */
export const home = "/var/lib/zerotier-one";

/** A network that the daemon is on. */
export interface Membership {
  readonly networkId: string;
  status: "REQUESTING_CONFIGURATION" | "ACCESS_DENIED" | "OK" | "NOT_FOUND";
  /** As the controller last sent it. */
  network: NetworkRecord | undefined;
  /** With prefix length. They outlive a deauthorisation. */
  assigned: readonly string[];
  readonly device: string;
  readonly mac: string;
  allow: { Managed: boolean; Global: boolean; Default: boolean; DNS: boolean };
  /** Addresses on the interface, each with what takes it away. */
  readonly present: Map<string, () => void>;
  /** When addresses were last taken off the interface, for the daemon's stale view of it. */
  takenOff: number;
  revision: number;
  leave(): void;
}

/** The daemon of one machine. Its disk keeps the identity and the memberships. */
export interface Daemon {
  /** Answers on its port: running and past its start. */
  readonly ready: boolean;
  readonly online: boolean;
  readonly address: string;
  readonly identity: string;
  readonly memberships: ReadonlyMap<string, Membership>;
  join(networkId: string): Membership;
  leave(networkId: string): void;
  allow(networkId: string, setting: keyof Membership["allow"], on: boolean): Membership;
  start(): void;
  stop(): void;
}

/** How long the daemon keeps its view of the interfaces' addresses (`GETIFADDRS_CACHE_TIME`), in milliseconds. */
const interfaceCacheMs = 1000;

/** The daemon of a machine, made at first use. */
export function daemonOf(world: World, fabric: Fabric, machine: VirtualMachine): Daemon {
  const known = machine.attachments.get("zerotier");
  if (known) return known as Daemon;
  const daemon = createDaemon(world, fabric, machine);
  machine.attachments.set("zerotier", daemon);
  return daemon;
}

function createDaemon(world: World, fabric: Fabric, machine: VirtualMachine): Daemon {
  const { clock, timing } = world;
  const memberships = new Map<string, Membership>();
  const timers = new Set<() => void>();
  let running = false;
  let watched = false;
  let ready = false;
  let onlineAt = 0;

  const path = (name: string) => `${home}/${name}`;
  const conf = (networkId: string) => path(`networks.d/${networkId}.conf`);
  const identity = () => machine.files.read(path("identity.secret")) ?? "";
  const address = () => identity().slice(0, 10);

  function later(ms: number, run: () => void): void {
    if (ms <= 0) {
      run();
      return;
    }
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      run();
    });
    timers.add(cancel);
  }

  function start(): void {
    if (running) return;
    running = true;
    if (!watched) {
      // Asked for anew after each power off, because a machine tells only once.
      watched = true;
      machine.onPowerOff(() => {
        watched = false;
        stop();
      });
    }
    const { files } = machine;
    if (!files.exists(path("identity.secret"))) {
      const made = makeIdentity(`${machine.spec.id} ${machine.spec.hostname}`);
      files.write(path("identity.secret"), made.secret, { mode: 0o600 });
      files.write(path("identity.public"), made.public);
    }
    // Making an identity and opening the port take about as long as one authorisation (0.7 s against 1 s).
    later(timing.overlayMs * 0.7, () => {
      files.write(path("zerotier-one.port"), "9993");
      if (!files.exists(path("authtoken.secret"))) {
        files.write(path("authtoken.secret"), digits(`token ${machine.spec.id}`, 24), { mode: 0o600 });
      }
      ready = true;
      onlineAt = clock.now() + timing.overlayMs * 5;
      // The file system cannot be listed from here, so files of networks that exist nowhere go unseen.
      for (const id of fabric.networks.keys()) if (files.exists(conf(id))) join(id);
    });
  }

  function stop(): void {
    running = false;
    ready = false;
    for (const cancel of timers) cancel();
    timers.clear();
    for (const membership of memberships.values()) membership.leave();
    memberships.clear();
  }

  function join(networkId: string): Membership {
    const known = memberships.get(networkId);
    if (known) return known;
    const { files } = machine;
    if (!files.exists(conf(networkId))) files.write(conf(networkId), "\n");
    const local = files.read(path(`networks.d/${networkId}.local.conf`)) ?? "";
    const allowed = (name: string, preset: boolean) => {
      const found = new RegExp(`^allow${name}=(.*)$`, "m").exec(local);
      return found ? found[1]!.startsWith("1") : preset;
    };
    const mapped = new RegExp(`^${networkId}=(\\S{1,15})$`, "m").exec(files.read(path("devicemap")) ?? "");
    let pending = false;
    const ask = () => {
      if (pending) return;
      pending = true;
      later(timing.overlayMs, () => {
        pending = false;
        refresh(membership);
      });
    };
    const unwatch = fabric.watch(networkId, address(), ask);
    const membership: Membership = {
      networkId,
      status: "REQUESTING_CONFIGURATION",
      network: undefined,
      assigned: [],
      device: mapped?.[1] ?? deviceName(networkId),
      mac: macAddress(networkId, address()),
      allow: {
        Managed: allowed("Managed", true),
        Global: allowed("Global", false),
        Default: allowed("Default", false),
        DNS: allowed("DNS", false),
      },
      present: new Map(),
      takenOff: Number.NEGATIVE_INFINITY,
      revision: 0,
      leave() {
        unwatch();
        for (const remove of membership.present.values()) remove();
        membership.present.clear();
      },
    };
    memberships.set(networkId, membership);
    ask();
    return membership;
  }

  function refresh(membership: Membership): void {
    if (memberships.get(membership.networkId) !== membership) return;
    const answer = fabric.request(membership.networkId, address(), publicPart(identity()));
    if (answer.status === "SILENCE") return;
    membership.status = answer.status;
    if (answer.status !== "OK") return;
    membership.network = answer.network;
    membership.revision = answer.network.revision;
    membership.assigned = answer.addresses;
    machine.files.write(conf(membership.networkId), `v=7\nnwid=${membership.networkId}\n`);
    putAddresses(membership);
  }

  function putAddresses(membership: Membership): void {
    const wanted = membership.allow.Managed ? membership.assigned : [];
    for (const [text, remove] of membership.present) {
      if (wanted.includes(text)) continue;
      remove();
      membership.present.delete(text);
      membership.takenOff = clock.now();
    }
    // Within a second of taking one off, the daemon still believes that it is there, and never looks again.
    if (clock.now() - membership.takenOff < interfaceCacheMs) return;
    for (const text of wanted) {
      if (membership.present.has(text)) continue;
      membership.present.set(
        text,
        machine.addOverlayAddress(membership.networkId, text.split("/")[0]!, membership.device),
      );
    }
  }

  return {
    get ready() {
      return ready;
    },
    get online() {
      return ready && clock.now() >= onlineAt;
    },
    get address() {
      return address();
    },
    get identity() {
      return publicPart(identity());
    },
    memberships,
    join,
    leave(networkId) {
      memberships.get(networkId)?.leave();
      memberships.delete(networkId);
      machine.files.remove(conf(networkId));
    },
    allow(networkId, setting, on) {
      const membership = join(networkId);
      membership.allow[setting] = on;
      const lines = Object.entries(membership.allow).map(
        ([name, value]) => `allow${name}=${value ? 1 : 0}\n`,
      );
      machine.files.write(path(`networks.d/${networkId}.local.conf`), lines.join(""));
      if (membership.status === "OK") putAddresses(membership);
      return membership;
    },
    start,
    stop,
  };
}

/** The public key out of an identity with its secret one: address, type and 128 digits. */
function publicPart(identity: string): string {
  return identity.split(":").slice(0, 3).join(":");
}
