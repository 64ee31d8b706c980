import type { Clock } from "../src/world/clock.js";
import { createClock } from "../src/world/clock.js";
import { createEffects } from "../src/world/effects.js";
import { createFaults } from "../src/world/faults.js";
import type { MachineSpec, Machines, VirtualMachine } from "../src/world/machines.js";
import { createNetwork } from "../src/world/network-fabric.js";
import { instantTiming, type Timing } from "../src/world/timing.js";
import type { World } from "../src/world/world.js";

/** A world whose machines only remember that they were started. */
export interface FakeWorld extends World {
  readonly booted: Map<string, MachineSpec>;
}

/** For tests of one emulator, which needs no working machine. Time stands still unless a clock is given. */
export function fakeWorld(options: { clock?: Clock; timing?: Partial<Timing> } = {}): FakeWorld {
  const booted = new Map<string, MachineSpec>();
  const machines: Pick<Machines, "boot" | "destroy" | "stop" | "start"> = {
    stop: () => {},
    start: () => {},
    boot(spec) {
      booted.set(spec.id, spec);
      return { spec } as VirtualMachine;
    },
    destroy: (id) => {
      booted.delete(id);
    },
  };
  const clock = options.clock ?? createClock(0);
  const timing = { ...instantTiming, ...options.timing };
  return {
    booted,
    clock,
    effects: createEffects(),
    faults: createFaults(),
    timing,
    machines: machines as Machines,
    network: createNetwork(clock, timing),
  };
}

/** A clock that a test moves by hand: what is due runs before `advance` returns. */
export function manualClock(start = Date.UTC(2026, 0, 1)): Clock & { advance(ms: number): Promise<void> } {
  let now = start;
  let timers: { at: number; run: () => void }[] = [];
  const after = (ms: number, run: () => void) => {
    const timer = { at: now + ms, run };
    timers.push(timer);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  };
  return {
    scale: 1,
    now: () => now,
    after,
    sleep: (ms) => (ms <= 0 ? Promise.resolve() : new Promise((resolve) => after(ms, resolve))),
    stop: () => {
      timers = [];
    },
    async advance(ms) {
      now += ms;
      for (;;) {
        const due = timers.find((timer) => timer.at <= now);
        if (!due) break;
        timers = timers.filter((other) => other !== due);
        due.run();
        await Promise.resolve();
      }
    },
  };
}
