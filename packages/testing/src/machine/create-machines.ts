import type { MachineFault, MachineModule, Machines } from "../world/machines.js";
import { debianArchive } from "./debian-archive.js";
import { createArchive } from "./packages.js";
import { createVirtualMachine, type MachineSurroundings, type RunningMachine } from "./virtual-machine.js";

/** The sandbox's hypervisor. `close` powers everything off. */
export function createMachines(
  world: Omit<MachineSurroundings, "archive" | "hasFault">,
): Machines & { close(): void } {
  const machines = new Map<string, RunningMachine>();
  const archive = createArchive();
  archive.add(debianArchive);
  const faults = new Set<{ readonly machine: string; readonly fault: MachineFault }>();

  /** Dials time out while something makes a machine unreachable. */
  function applyReachability(): void {
    for (const { machine } of machines.values()) {
      if (machine.state !== "off")
        world.network.setMachinePower(machine.spec.id, !hasFault(machine.spec, "unreachable"));
    }
  }
  const hasFault = (spec: { readonly id: string; readonly hostname: string }, fault: MachineFault) =>
    [...faults].some(
      (one) => one.fault === fault && (one.machine === spec.id || one.machine === spec.hostname),
    );

  return {
    boot(spec) {
      if (machines.has(spec.id)) throw new Error(`a machine with the id ${spec.id} exists already`);
      const made = createVirtualMachine(spec, {
        ...world,
        archive,
        hasFault: (fault) => hasFault(spec, fault),
      });
      machines.set(spec.id, made);
      made.powerOn();
      applyReachability();
      return made.machine;
    },
    stop: (id) => machines.get(id)?.powerOff(),
    start(id) {
      machines.get(id)?.powerOn();
      applyReachability();
    },
    destroy(id) {
      machines.get(id)?.destroy();
      machines.delete(id);
    },
    get: (id) => machines.get(id)?.machine,
    all: () => [...machines.values()].map(({ machine }) => machine),
    use: (module: MachineModule) => archive.add(module),
    fault(machine, fault) {
      const entry = { machine, fault };
      faults.add(entry);
      applyReachability();
      return () => {
        faults.delete(entry);
        applyReachability();
      };
    },
    close() {
      for (const machine of machines.values()) machine.destroy();
      machines.clear();
    },
  };
}
