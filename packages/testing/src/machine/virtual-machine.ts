import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Clock } from "../world/clock.js";
import type { Effects } from "../world/effects.js";
import type { MachineFault, MachineSpec, VirtualMachine } from "../world/machines.js";
import type { Network, Place } from "../world/network.js";
import { createStreamPair, socketError } from "../world/network-stream.js";
import type { Timing } from "../world/timing.js";
import { createAccounts } from "./accounts.js";
import { createCloudInit } from "./cloud-init.js";
import { commands } from "./commands.js";
import { preinstalled } from "./debian-archive.js";
import { createDisk } from "./disk.js";
import type { Command, Host, NetworkInterface } from "./host.js";
import { installHostKeys } from "./host-keys.js";
import { addLoginUser, authorize, findImage, installImage } from "./image.js";
import { createKernel } from "./kernel.js";
import { type Archive, createPackages, placeProgram } from "./packages.js";
import { startShell } from "./shell/process.js";
import { utilities } from "./shell/utilities.js";
import { createSshServer } from "./ssh-server.js";
import { createUnits } from "./units.js";
import { createUnixSockets } from "./unix-sockets.js";

/** What a machine stands in. */
export interface MachineSurroundings {
  readonly clock: Clock;
  readonly effects: Effects;
  readonly network: Network;
  readonly timing: Timing;
  readonly archive: Archive;
  /** Whether a fault applies to it now. */
  hasFault(fault: MachineFault): boolean;
}

/** A machine, and its switches. */
export interface RunningMachine {
  readonly machine: VirtualMachine;
  readonly host: Host;
  /** Power on. The first time, it boots and cloud-init runs. */
  powerOn(): void;
  powerOff(): void;
  /** Power off for good: its addresses go. */
  destroy(): void;
}

export function createVirtualMachine(spec: MachineSpec, surroundings: MachineSurroundings): RunningMachine {
  const { clock, network, timing, archive } = surroundings;
  const image = findImage(spec.image);
  const loginUser = spec.loginUser ?? image.loginUser;
  const disk = createDisk();
  installImage(disk, image);
  for (const program of archive.everywhere) placeProgram(disk, program.name);
  const accounts = createAccounts(disk);
  const kernel = createKernel(disk);
  const units = createUnits(
    disk,
    () => machine,
    (name) => kernel.serve(name),
    (name) => archive.unit(name),
    () => clock.scale,
  );
  const packages = createPackages(disk, units, archive);
  for (const name of preinstalled) packages.preinstall(name, archive.find(name)?.version ?? "1");
  units.add({ name: "ssh", package: "openssh-server" }, true);
  units.add({ name: "cron", package: "cron" }, true);
  units.add({ name: "systemd-timesyncd", package: "systemd" }, true);
  const sockets = createUnixSockets(disk, accounts);

  let state: VirtualMachine["state"] = "off";
  let hostname = spec.hostname;
  let booted = false;
  /** cloud-init's first stage runs once in a machine's life, however its first boot ends. */
  let initialised = false;
  let halting: Promise<void> = Promise.resolve();
  /** Grows at each power-off, so that what an earlier boot still does finds itself outdated. */
  let generation = 0;
  const powerOffs = new Set<() => void>();
  const attachments = new Map<string, unknown>();
  const overlayAddresses = new Map<string, { overlay: string; address: string; name: string }>();
  const listeners = new Map<number, { accept: (stream: Duplex) => void; stops: Set<() => void> }>();
  const removals: (() => void)[] = [];

  const place = (): Place => ({ machine: spec.id, ...(spec.lan ? { lan: spec.lan } : {}) });
  const endpoints = () => [
    ...(spec.privateAddress ? [{ host: spec.privateAddress, ...(spec.lan ? { lan: spec.lan } : {}) }] : []),
    ...(spec.publicAddress ? [{ host: spec.publicAddress }] : []),
    ...[...overlayAddresses.values()].map(({ address, overlay }) => ({ host: address, overlay })),
  ];

  function listenOn(
    port: number,
    entry: { accept: (stream: Duplex) => void; stops: Set<() => void> },
    endpoint: { host: string; lan?: string; overlay?: string },
  ): () => void {
    const stop = network.listen({ ...endpoint, port }, ({ stream }) => entry.accept(stream));
    entry.stops.add(stop);
    return stop;
  }

  const machine: VirtualMachine = {
    spec,
    get state() {
      return state;
    },
    files: {
      read: (path) => {
        const inode = disk.find(path);
        return inode?.type === "file" ? Buffer.from(inode.content).toString("utf8") : undefined;
      },
      write(path, content, options = {}) {
        disk.ensureDirectory(path.slice(0, path.lastIndexOf("/")) || "/");
        disk.write(path, new Uint8Array(Buffer.from(content)));
        if (options.mode !== undefined) disk.setMode(path, options.mode);
        const [user = "root", group] = (options.owner ?? "").split(":");
        if (options.owner !== undefined)
          disk.setOwner(
            path,
            accounts.user(user)?.uid,
            group ? accounts.group(group)?.gid : accounts.user(user)?.gid,
          );
      },
      remove: (path) => {
        if (disk.find(path, undefined, false)) disk.remove(path, undefined, true);
      },
      exists: (path) => disk.find(path) !== undefined,
      list: () =>
        disk
          .allPaths()
          .sort()
          .map((path) => {
            const { type, mode, uid, gid, target, content } = disk.stat(path, undefined, false);
            const text =
              type === "symlink"
                ? target
                : type === "file"
                  ? Buffer.from(content).toString("utf8")
                  : undefined;
            return { path, type, mode, uid, gid, ...(text === undefined ? {} : { content: text }) };
          }),
    },
    packages: packages.installed,
    inGroup: (user, group) => accounts.groupsOf(user).some((one) => one.name === group),
    unitState: (name) => units.state(name),
    addresses: () => endpoints().map((endpoint) => endpoint.host),
    interfaceNames: () => interfaces().map(({ name }) => name),
    addOverlayAddress(overlay, address, name) {
      network.joinOverlay(spec.id, overlay);
      overlayAddresses.set(name, { overlay, address: address.split("/")[0] as string, name });
      prefixes.set(name, address.includes("/") ? address : `${address}/24`);
      const endpoint = { host: address.split("/")[0] as string, overlay };
      const removeHost = network.addHost({ ...endpoint, machine: spec.id });
      const stops = [...listeners].map(([port, entry]) => listenOn(port, entry, endpoint));
      const remove = () => {
        overlayAddresses.delete(name);
        prefixes.delete(name);
        removeHost();
        for (const stop of stops) stop();
        network.leaveOverlay(spec.id, overlay);
      };
      removals.push(remove);
      return remove;
    },
    listen(port, accept) {
      const entry = { accept, stops: new Set<() => void>() };
      listeners.set(port, entry);
      if (state === "running") for (const endpoint of endpoints()) listenOn(port, entry, endpoint);
      return () => {
        for (const stop of entry.stops) stop();
        if (listeners.get(port) === entry) listeners.delete(port);
      };
    },
    listenUnix: (path, group, accept) => sockets.listen(path, group, accept),
    async dial(target) {
      const isSelf =
        target.host === "localhost" ||
        target.host.startsWith("127.") ||
        target.host === "::1" ||
        machine.addresses().includes(target.host);
      if (!isSelf) return network.dial(place(), target);
      const listener = listeners.get(target.port);
      if (!listener) throw socketError("ECONNREFUSED", `connect ECONNREFUSED ${target.host}:${target.port}`);
      const [near, far] = createStreamPair();
      far.remoteAddress = "127.0.0.1";
      listener.accept(far);
      return near;
    },
    attachments,
    onPowerOff: (callback) => void powerOffs.add(callback),
  };
  const prefixes = new Map<string, string>();

  const cloudInit = createCloudInit(() => host, {
    userData: spec.userData,
    sshKeys: spec.sshKeys,
    hostname: spec.hostname,
    loginUser,
    log: () => {},
  });

  const host: Host = {
    machine,
    disk,
    accounts,
    packages,
    units,
    kernel,
    cloudInit,
    clock,
    timing,
    command(name): Command | undefined {
      const own = commands[name];
      if (own || (utilities as readonly string[]).includes(name)) return own;
      const program = archive.program(name);
      if (!program) return undefined;
      return async ({ args, env, input, who, signal }) =>
        program.run({ machine, args, env, stdin: (await input()).toString("utf8"), user: who.name, signal });
    },
    web: (url, signal) => archive.web({ machine, url, signal }),
    startShell: (start, script) => startShell(host, start, script),
    commandNames: () => Object.keys(commands),
    interfaces,
    hostname: () => hostname,
    setHostname(name) {
      hostname = name;
      kernel.set("kernel.hostname", name);
    },
    sshdPid: () => "712",
    reloadSsh: () => ssh.reload(),
    reboot() {
      setImmediate(() => {
        powerOff();
        powerOn();
      });
    },
  };
  const ssh = createSshServer({
    host,
    effects: surroundings.effects,
    sockets,
    isImpostor: () => surroundings.hasFault("other-host-key"),
  });
  listeners.set(22, {
    stops: new Set(),
    accept: (stream) => {
      if (!surroundings.hasFault("ssh-hangs")) ssh.accept(stream);
    },
  });

  function interfaces(): NetworkInterface[] {
    const digest = createHash("sha256").update(spec.id).digest("hex");
    const mac = (seed: number) => `02:${(digest.slice(seed, seed + 10).match(/../g) ?? []).join(":")}`;
    const main =
      spec.publicAddress && !spec.privateAddress
        ? [`${spec.publicAddress}/24`]
        : spec.privateAddress
          ? [`${spec.privateAddress}/24`]
          : [];
    const second = spec.publicAddress && spec.privateAddress && !spec.lan ? [`${spec.publicAddress}/24`] : [];
    return [
      {
        name: "lo",
        mtu: 65536,
        mac: "00:00:00:00:00:00",
        addresses: [
          "127.0.0.1/8",
          ...(kernel.get("net.ipv6.conf.lo.disable_ipv6") === "1" ? [] : ["::1/128"]),
        ],
      },
      { name: "eth0", mtu: 1500, mac: mac(0), addresses: main },
      ...(second.length > 0 ? [{ name: "eth1", mtu: 1500, mac: mac(10), addresses: second }] : []),
      ...[...overlayAddresses.values()].map(({ name }) => ({
        name,
        mtu: 2800,
        mac: mac(20),
        addresses: [prefixes.get(name) as string],
      })),
    ];
  }

  /** sshd and all other listeners answer from now on. */
  function openPorts(): void {
    state = "running";
    for (const [port, entry] of listeners)
      for (const endpoint of endpoints()) listenOn(port, entry, endpoint);
  }

  async function boot(): Promise<void> {
    const mine = generation;
    await halting;
    const outdated = () => mine !== generation;
    disk.write("/run/sshd.pid", Buffer.from(`${host.sshdPid()}\n`));
    if (booted || spec.hostKeys) {
      if (!booted && spec.hostKeys) {
        installHostKeys(disk, spec.hostKeys);
        addLoginUser(disk, accounts, loginUser);
        authorize(disk, accounts, loginUser, spec.sshKeys);
        disk.write("/etc/hostname", Buffer.from(`${hostname}\n`));
        await cloudInit.final();
      } else await clock.sleep(timing.bootMs);
      booted = true;
      if (outdated()) return;
      await units.startEnabled();
      openPorts();
      return;
    }
    await clock.sleep(timing.bootMs);
    if (outdated()) return;
    if (surroundings.hasFault("cloud-init-fails"))
      cloudInit.fail(
        "('scripts_user', RuntimeError('Runparts: 1 failures (runcmd) in 1 attempted commands'))",
      );
    if (!initialised) await cloudInit.init();
    initialised = true;
    await units.startEnabled();
    if (outdated()) return;
    openPorts();
    await clock.sleep(timing.cloudInitMs);
    if (outdated()) return;
    await cloudInit.final();
    booted = true;
  }

  function powerOn(): void {
    if (state !== "off") return;
    state = "booting";
    network.setMachinePower(spec.id, true);
    boot().catch((error) => {
      // Seen by whoever asks cloud-init; a machine whose boot fails for good must not end the process.
      cloudInit.fail(String(error));
    });
  }

  function powerOff(): void {
    if (state === "off") return;
    state = "off";
    generation += 1;
    for (const entry of listeners.values()) {
      for (const stop of entry.stops) stop();
      entry.stops.clear();
    }
    network.setMachinePower(spec.id, false);
    ssh.reload();
    halting = units.halt();
    for (const callback of powerOffs) callback();
    powerOffs.clear();
  }

  for (const endpoint of endpoints()) removals.push(network.addHost({ ...endpoint, machine: spec.id }));
  return {
    machine,
    host,
    powerOn,
    powerOff,
    destroy() {
      powerOff();
      ssh.close();
      for (const remove of removals.splice(0)) remove();
      network.setMachinePower(spec.id, true);
    },
  };
}
