import type { FinishedStep } from "./steps.js";

/** One step of the chain that decided how long the run took. */
export interface CriticalStep {
  readonly id: string;
  readonly durationMs: number;
}

/** How long a run took and where the time went. */
export interface Timings {
  readonly totalMs: number;
  readonly steps: readonly FinishedStep[];
  /** The longest chain of steps that waited for one another, first to last: shortening anything else changes nothing. */
  readonly criticalPath: readonly CriticalStep[];
}

/** Walks back from the step that ended last, each time to the one that it waited for longest. Pure. */
export function timings(steps: readonly FinishedStep[], totalMs: number): Timings {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const path: CriticalStep[] = [];
  const seen = new Set<string>();
  let current = latest(steps);
  while (current && !seen.has(current.id)) {
    seen.add(current.id);
    path.unshift({ id: current.id, durationMs: Math.round(current.endMs - current.startMs) });
    current = latest(current.after.map((id) => byId.get(id)).filter((step) => step !== undefined));
  }
  return { totalMs: Math.round(totalMs), steps, criticalPath: path };
}

function latest(steps: readonly FinishedStep[]): FinishedStep | undefined {
  return steps.reduce<FinishedStep | undefined>(
    (best, step) => (!best || step.endMs > best.endMs ? step : best),
    undefined,
  );
}
