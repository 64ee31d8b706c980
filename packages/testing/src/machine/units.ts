import type { Unit, VirtualMachine } from "../world/machines.js";
import type { Disk } from "./disk.js";

export type UnitState = "active" | "inactive" | "failed";

/** systemd, as far as one unit at a time goes. */
export type Units = ReturnType<typeof createUnits>;

/** Real milliseconds between two starts of a unit that fails, at the least. */
const restartPauseMs = 50;

const unitFolders = [
  "/etc/systemd/system",
  "/usr/local/lib/systemd/system",
  "/lib/systemd/system",
  "/usr/lib/systemd/system",
];

interface Entry {
  readonly unit: Unit;
  state: UnitState;
  enabled: boolean;
  /** Pending start of one that ended by itself. */
  restart?: NodeJS.Timeout | undefined;
  /** A start under way: whoever asks for another one meanwhile waits for this one. */
  starting?: Promise<void> | undefined;
}

/**
 * @param started called after a unit of that name has started
 * @param behaviour what a unit does whose file lies on the disk
 * @param scale real seconds per virtual second
 */
export function createUnits(
  disk: Disk,
  machine: () => VirtualMachine,
  started: (name: string) => void,
  behaviour: (name: string) => Unit | undefined = () => undefined,
  scale: () => number = () => 1,
) {
  const entries = new Map<string, Entry>();
  const plain = (name: string) => name.replace(/\.service$/, "");

  /** Units come with packages, or from a file that somebody wrote under /etc/systemd/system. */
  function find(name: string): Entry | undefined {
    const known = entries.get(plain(name)) ?? entries.get(name);
    if (known) return known;
    const file = name.includes(".") ? name : `${name}.service`;
    for (const folder of unitFolders) {
      if (!disk.find(`${folder}/${file}`)) continue;
      const unit = behaviour(plain(name)) ?? { name: plain(name), package: "" };
      const entry: Entry = { unit, state: "inactive", enabled: false };
      entries.set(plain(name), entry);
      return entry;
    }
    return undefined;
  }

  async function start(name: string): Promise<boolean> {
    const entry = find(name);
    if (!entry || entry.state === "active") return false;
    clearTimeout(entry.restart);
    entry.starting ??= run(name, entry).finally(() => {
      entry.starting = undefined;
    });
    await entry.starting;
    return true;
  }

  async function run(name: string, entry: Entry): Promise<void> {
    try {
      await entry.unit.start?.(machine(), () => fail(name, entry));
      entry.state = "active";
      started(plain(name));
    } catch {
      fail(name, entry);
    }
  }

  function fail(name: string, entry: Entry): void {
    entry.state = "failed";
    if (entry.unit.restartMs === undefined) return;
    // Where everything happens at once, a program that cannot start must not take all of the time.
    entry.restart = setTimeout(
      () => {
        if (entry.state === "failed" && machine().state !== "off") void start(name);
      },
      Math.max(restartPauseMs, entry.unit.restartMs * scale()),
    );
    entry.restart.unref();
  }

  async function stop(name: string): Promise<boolean> {
    const entry = find(name);
    await entry?.starting;
    clearTimeout(entry?.restart);
    if (entry?.state === "failed" && entry.unit.restartMs !== undefined) entry.state = "inactive";
    if (entry?.state !== "active") return false;
    await entry.unit.stop?.(machine());
    entry.state = "inactive";
    return true;
  }

  return {
    exists: (name: string) => find(name) !== undefined,
    state: (name: string): UnitState | "missing" => find(name)?.state ?? "missing",
    isEnabled: (name: string) => find(name)?.enabled === true,
    names: () => [...entries.keys()],
    add(unit: Unit, enabled = false): void {
      if (!entries.has(plain(unit.name))) entries.set(plain(unit.name), { unit, state: "inactive", enabled });
    },
    /** `daemon-reload`: forgets stopped units whose file is gone. */
    reload(): void {
      for (const [name, { unit, state }] of entries) {
        const hasFile = unitFolders.some((folder) => disk.find(`${folder}/${name}.service`));
        if (unit.package === "" && behaviour(name) && !hasFile && state !== "active") entries.delete(name);
      }
    },
    async remove(name: string): Promise<void> {
      await stop(name);
      entries.delete(plain(name));
    },
    start,
    stop,
    async restart(name: string): Promise<void> {
      await stop(name);
      const entry = find(name);
      if (entry) entry.state = "inactive";
      await start(name);
    },
    /** True when that changed something. */
    setEnabled(name: string, enabled: boolean): boolean {
      const entry = find(name);
      if (!entry || entry.enabled === enabled) return false;
      entry.enabled = enabled;
      return true;
    },
    /** What happens at power-on: enabled units start. */
    async startEnabled(): Promise<void> {
      for (const [name, entry] of entries) if (entry.enabled) await start(name);
    },
    /** What happens when the power goes: nothing runs, and nobody is asked. */
    async halt(): Promise<void> {
      for (const entry of entries.values()) {
        clearTimeout(entry.restart);
        if (entry.state === "active") await entry.unit.stop?.(machine());
        entry.state = "inactive";
      }
    },
  };
}
