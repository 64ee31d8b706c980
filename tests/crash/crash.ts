import { type Effect, type Sandbox, sandbox } from "@multicloud/testing";
import { startVerbProcess, type VerbProcess } from "./child-process.js";
import { difference, endState } from "./end-state.js";
import { identify } from "./identity.js";

/** Where a run is cut off. */
export interface CrashPoint {
  readonly verb: "up" | "destroy";
  readonly effect: string;
  /** So many milliseconds after the effect. */
  readonly afterMs?: number;
  /** The run after it is cut off too, at its so-manieth effect, if it makes so many. */
  readonly thenAt?: number;
}

/** Undisturbed runs, to compare others with. */
export interface Reference {
  /** Effects of each verb. */
  readonly effects: { readonly up: readonly string[]; readonly destroy: readonly string[] };
  /** What there is after `up()`. */
  readonly state: readonly string[];
}

/** What became of one point. */
export interface Outcome {
  /** What is wrong; empty when all is well. */
  readonly failures: readonly string[];
  /** Whether the run got to the point at all. */
  readonly occurred: boolean;
  readonly ms: number;
}

const newWorld = () => sandbox({ scale: 1 / 100, homeProxy: false });

/** Runs `up()` and `destroy()` undisturbed. */
export async function undisturbed(program: string): Promise<Reference> {
  const world = await newWorld();
  const child = startVerbProcess(program, world);
  try {
    await child.run("up");
    const count = world.effects.all.length;
    const state = await endState(world);
    await child.run("destroy");
    const up = world.effects.all.slice(0, count).map(identify());
    const destroy = world.effects.all.slice(count).map(identify());
    return { effects: { up, destroy }, state };
  } finally {
    await child.kill();
    await world.close();
  }
}

/**
 * Kills a run at a point. After `up()`, `up()` by another process must come to the reference's end state, the
 * next `up()` must change nothing, and `destroy()` must leave nothing; after `destroy()` only the last.
 */
export async function crashAt(point: CrashPoint, reference: Reference, program: string): Promise<Outcome> {
  const started = performance.now();
  const failures: string[] = [];
  const world = await newWorld();
  const first = startVerbProcess(program, world);
  // Loads its modules while the first one works.
  const second = startVerbProcess(program, world);
  let occurred = false;
  try {
    if (point.verb === "destroy") await step("up()", () => first.run("up"));
    occurred = await killedAt(point, world, first);
    if (occurred && point.thenAt !== undefined) await killedAgain(point, world, program);
    if (occurred && point.verb === "up") await recover(world, second, reference, failures);
    if (occurred) await clean(world, second, failures);
  } catch (error) {
    failures.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await Promise.all([first.kill(), second.kill()]);
    await world.close();
  }
  return { failures, occurred, ms: performance.now() - started };
}

/** Runs the verb until the point. The emulators let the effect stand and the answer never arrives. */
async function killedAt(point: CrashPoint, world: Sandbox, child: VerbProcess): Promise<boolean> {
  const identity = identify();
  let occurred = false;
  const stop = world.effects.listen(async (effect: Effect) => {
    if (identity(effect) !== point.effect) return;
    occurred = true;
    if (point.afterMs === undefined) await child.kill();
    else setTimeout(() => void child.kill(), point.afterMs);
  });
  try {
    await child.run(point.verb);
    // The run may end before a delayed kill.
    return occurred && point.afterMs !== undefined;
  } catch (error) {
    if (!occurred) throw new Error("the run that was to be cut off failed by itself", { cause: error });
    return true;
  } finally {
    stop();
  }
}

/** One more run that is cut off: what mends can be cut off too. */
async function killedAgain({ verb, thenAt }: CrashPoint, world: Sandbox, program: string): Promise<void> {
  const child = startVerbProcess(program, world);
  let count = 0;
  const stop = world.effects.listen(async () => {
    count += 1;
    if (count === thenAt) await child.kill();
  });
  try {
    await child.run(verb);
  } catch (error) {
    if (count < thenAt!)
      throw new Error("the second run that was to be cut off failed by itself", { cause: error });
  } finally {
    stop();
    await child.kill();
  }
}

async function recover(
  world: Sandbox,
  child: VerbProcess,
  reference: Reference,
  failures: string[],
): Promise<void> {
  await step("up() after the crash", () => child.run("up"));
  failures.push(...(await settledDifference(world, reference)));
  const before = world.effects.all.length;
  await step("one more up()", () => child.run("up"));
  for (const { service, kind, action, name } of world.effects.all.slice(before))
    failures.push(`one more up() made an effect: ${service} ${kind} ${action} ${name}`);
}

async function clean(world: Sandbox, child: VerbProcess, failures: string[]): Promise<void> {
  await step("destroy()", () => child.run("destroy"));
  for (const left of await leftOver(world)) failures.push(`destroy() left ${left}`);
}

async function step(what: string, work: () => Promise<void>): Promise<void> {
  await work().catch((error: Error) => {
    throw new Error(`${what} failed: ${error.message}`);
  });
}

/** Controllers of the emulated cluster may lag behind a moment. */
async function settledDifference(world: Sandbox, { state }: Reference): Promise<string[]> {
  let found: string[] = [];
  for (let tries = 0; tries < 20; tries++) {
    found = difference(state, await endState(world));
    if (found.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return found;
}

async function leftOver(world: Sandbox): Promise<string[]> {
  const state = await endState(world);
  return [
    ...world.resources(),
    ...world.world.machines
      .all()
      .filter(({ spec }) => spec.id !== "home-gateway")
      .map(({ spec }) => `the machine ${spec.hostname}`),
    ...state.filter((line) => line.startsWith("state/")),
    ...(world.services.rke.running > 0 ? ["a run of rke"] : []),
  ];
}
