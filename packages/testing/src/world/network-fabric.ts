import type { Duplex } from "node:stream";
import type { Clock } from "./clock.js";
import type { IncomingConnection, ListenAddress, Network, Place } from "./network.js";
import { createStreamPair, type StreamEnd, socketError } from "./network-stream.js";
import type { Timing } from "./timing.js";

type Host = Omit<ListenAddress, "port"> & { readonly machine: string };
type Listener = ListenAddress & { readonly accept: (connection: IncomingConnection) => void };
interface Connection {
  readonly ends: readonly [StreamEnd, StreamEnd];
  readonly lans: readonly (string | undefined)[];
  readonly machines: readonly (string | undefined)[];
}

/** Settings of the emulated network that are no timing of a cloud. */
export interface NetworkOptions {
  /** Virtual milliseconds after which a dial that nobody answers fails with `ETIMEDOUT`. Default 20 000. */
  readonly dialTimeoutMs?: number;
  /** Virtual milliseconds that a connection hangs after a power cut before it breaks. Default 5 000. */
  readonly breakAfterMs?: number;
}

/** The sandbox's wires, in memory. */
export function createNetwork(clock: Clock, timing: Timing, options: NetworkOptions = {}): Network {
  const lans = new Map<string, { natAddress?: string; powered: boolean }>();
  const forwards = new Map<string, { readonly host: string; readonly port: number }>();
  const hosts = new Set<Host>();
  const listeners = new Set<Listener>();
  const overlays = new Map<string, Set<string>>();
  const unpowered = new Set<string>();
  const powerListeners = new Set<{ readonly machine: string; on: boolean; listener(on: boolean): void }>();
  const connections = new Set<Connection>();
  let ephemeralPort = 32768;

  const lanOf = (from: Place) =>
    from.lan ?? [...hosts].find((host) => host.machine === from.machine && host.lan)?.lan;
  const isMember = (machine: string | undefined, overlay: string) =>
    machine !== undefined && overlays.get(overlay)?.has(machine) === true;

  /** Whether packets from here leave for the internet. */
  function reachesInternet(from: Place): boolean {
    const lan = lanOf(from);
    if (from.machine === undefined && lan === undefined) return true;
    if (from.machine !== undefined) {
      const mine = [...hosts].filter((host) => host.machine === from.machine);
      if (mine.length === 0 || mine.some((host) => !host.lan && !host.overlay)) return true;
    }
    return lan !== undefined && lans.get(lan)?.natAddress !== undefined;
  }

  /** The host that an address means, seen from a place. */
  function route(from: Place, address: string): Host | "elsewhere" | undefined {
    const lan = lanOf(from);
    let elsewhere = false;
    for (const host of hosts) {
      if (host.host !== address) continue;
      if (host.overlay !== undefined) {
        if (isMember(from.machine, host.overlay) && isMember(host.machine, host.overlay)) return host;
      } else if (host.lan !== undefined) {
        if (host.lan === lan) return host;
      } else if (reachesInternet(from)) return host;
      elsewhere = true;
    }
    return elsewhere ? "elsewhere" : undefined;
  }

  const isDark = ({ machine }: Pick<Host, "machine">) =>
    unpowered.has(machine) ||
    [...hosts].some(
      (other) => other.machine === machine && other.lan && lans.get(other.lan)?.powered === false,
    );

  function tellPower(): void {
    for (const one of powerListeners) {
      if (one.on !== isDark(one)) continue;
      one.on = !one.on;
      one.listener(one.on);
    }
  }

  async function timeOut(target: string, signal: AbortSignal | undefined): Promise<never> {
    await clock.sleep(options.dialTimeoutMs ?? 20_000, signal);
    throw socketError("ETIMEDOUT", `connect ETIMEDOUT ${target}`);
  }

  /** Finds who answers, or fails as the kernel would. */
  async function resolve(
    from: Place,
    target: { readonly host: string; readonly port: number },
    signal: AbortSignal | undefined,
  ): Promise<{ listener: Listener; host: Host }> {
    const name = `${target.host}:${target.port}`;
    if (!/^[0-9.]+$|:/.test(target.host))
      throw socketError("ENOTFOUND", `getaddrinfo ENOTFOUND ${target.host}`);
    const home = lanOf(from);
    if (home !== undefined && lans.get(home)?.powered === false) return timeOut(name, signal);

    const router = [...lans].find(([, lan]) => lan.natAddress === target.host);
    if (router) {
      const [lanName, lan] = router;
      if (!reachesInternet(from)) throw socketError("EHOSTUNREACH", `connect EHOSTUNREACH ${name}`);
      if (!lan.powered) return timeOut(name, signal);
      const to = forwards.get(`${lanName} ${target.port}`);
      if (!to) throw socketError("ECONNREFUSED", `connect ECONNREFUSED ${name}`);
      return resolve({ lan: lanName }, to, signal);
    }
    const host = route(from, target.host);
    if (!host || host === "elsewhere") throw socketError("EHOSTUNREACH", `connect EHOSTUNREACH ${name}`);
    if (isDark(host)) return timeOut(name, signal);
    const listener = [...listeners].find(
      (one) =>
        one.host === host.host &&
        one.port === target.port &&
        one.lan === host.lan &&
        one.overlay === host.overlay,
    );
    if (!listener) throw socketError("ECONNREFUSED", `connect ECONNREFUSED ${name}`);
    return { listener, host };
  }

  function breakUp(affected: (connection: Connection) => boolean): void {
    for (const connection of [...connections].filter(affected)) {
      connection.ends[0].freeze();
      clock.after(options.breakAfterMs ?? 5_000, () => shatter(connection));
    }
  }

  function shatter(connection: Connection): void {
    connections.delete(connection);
    for (const end of connection.ends) {
      // A connection nobody listens to any more must not bring the process down.
      if (end.listenerCount("error") === 0) end.once("error", () => {});
      end.destroy(socketError("ECONNRESET", "read ECONNRESET"));
    }
  }

  return {
    addLan(lan) {
      lans.set(lan.name, { powered: true, ...(lan.natAddress ? { natAddress: lan.natAddress } : {}) });
    },
    forwardPort(rule) {
      forwards.set(`${rule.lan} ${rule.port}`, rule.to);
    },
    addHost(address) {
      const host = { ...address };
      hosts.add(host);
      return () => hosts.delete(host);
    },
    listen(address, accept) {
      const listener = { ...address, accept };
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async dial(from, target, signal) {
      signal?.throwIfAborted();
      await clock.sleep(timing.roundTripMs, signal);
      const { listener, host } = await resolve(from, target, signal);
      const [near, far] = createStreamPair();
      ephemeralPort = ephemeralPort >= 60999 ? 32768 : ephemeralPort + 1;
      near.remoteAddress = target.host;
      near.remotePort = target.port;
      far.remoteAddress = addressSeen(from);
      far.remotePort = ephemeralPort;
      const connection: Connection = {
        ends: [near, far],
        lans: [lanOf(from), host.lan, [...hosts].find((one) => one.machine === host.machine && one.lan)?.lan],
        machines: [from.machine, host.machine],
      };
      connections.add(connection);
      for (const end of connection.ends) {
        end.once("close", () => {
          if (near.destroyed && far.destroyed) connections.delete(connection);
        });
      }
      listener.accept({ stream: far, from, localAddress: host.host });
      return near satisfies Duplex;
    },
    joinOverlay(machine, overlay) {
      const members = overlays.get(overlay) ?? new Set();
      overlays.set(overlay, members.add(machine));
    },
    leaveOverlay(machine, overlay) {
      overlays.get(overlay)?.delete(machine);
    },
    setPower(lan, on) {
      const entry = lans.get(lan);
      if (!entry) throw new Error(`no local network is named ${lan}`);
      entry.powered = on;
      if (!on) breakUp((connection) => connection.lans.includes(lan));
      tellPower();
    },
    setMachinePower(machine, on) {
      if (on) unpowered.delete(machine);
      else {
        unpowered.add(machine);
        breakUp((connection) => connection.machines.includes(machine));
      }
      tellPower();
    },
    onPower(machine, listener) {
      const one = { machine, on: !isDark({ machine }), listener };
      powerListeners.add(one);
      return () => powerListeners.delete(one);
    },
    close() {
      for (const connection of [...connections]) shatter(connection);
      listeners.clear();
      hosts.clear();
    },
  };

  function addressSeen(from: Place): string {
    const lan = lanOf(from);
    const own = [...hosts].find((host) => host.machine === from.machine && !host.overlay);
    return own?.host ?? (lan !== undefined ? lans.get(lan)?.natAddress : undefined) ?? "198.51.100.1";
  }
}
