import type { Unit, VirtualMachine } from "../world/machines.js";
import type { Disk } from "./disk.js";

export type UnitState = "active" | "inactive" | "failed";

/** systemd, as far as one unit at a time goes. */
export type Units = ReturnType<typeof createUnits>;

interface Entry {
  readonly unit: Unit;
  state: UnitState;
  enabled: boolean;
}

/**
 * @param started called after a unit of that name has started
 */
export function createUnits(disk: Disk, machine: () => VirtualMachine, started: (name: string) => void) {
  const entries = new Map<string, Entry>();
  const plain = (name: string) => name.replace(/\.service$/, "");

  /** Units come with packages, or from a file that somebody wrote under /etc/systemd/system. */
  function find(name: string): Entry | undefined {
    const known = entries.get(plain(name)) ?? entries.get(name);
    if (known) return known;
    const file = name.includes(".") ? name : `${name}.service`;
    for (const folder of ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"]) {
      if (!disk.find(`${folder}/${file}`)) continue;
      const entry: Entry = { unit: { name: plain(name), package: "" }, state: "inactive", enabled: false };
      entries.set(plain(name), entry);
      return entry;
    }
    return undefined;
  }

  async function start(name: string): Promise<boolean> {
    const entry = find(name);
    if (!entry || entry.state === "active") return false;
    try {
      await entry.unit.start?.(machine());
      entry.state = "active";
      started(plain(name));
    } catch {
      entry.state = "failed";
    }
    return true;
  }

  async function stop(name: string): Promise<boolean> {
    const entry = find(name);
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
        if (entry.state === "active") await entry.unit.stop?.(machine());
        entry.state = "inactive";
      }
    },
  };
}
