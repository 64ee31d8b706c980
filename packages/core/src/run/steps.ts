import type { CallContext, Report } from "../contracts/context.js";
import type { Dialer } from "../contracts/dialer.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import type { EmittedEvent, Step } from "./events.js";
import { toMulticloudError } from "./run.js";

/** A finished step with what it had to wait for. */
export interface FinishedStep extends Step {
  readonly startMs: number;
  readonly endMs: number;
  /** Ids of the steps that had to end before this one could start. */
  readonly after: readonly string[];
}

/** What a step's work gets. */
export interface StepHandle {
  readonly id: string;
  /** Says what is going on. */
  progress(message: string): void;
  /** Said when the step ends. */
  result(message: string): void;
}

/** Runs steps, tells about them, and remembers how long each took. */
export interface Steps {
  run<T>(
    step: Omit<Step, "id"> & { readonly after?: readonly string[] },
    work: (handle: StepHandle) => Promise<T>,
  ): Promise<T>;
  readonly finished: readonly FinishedStep[];
}

export function createSteps(emit: (event: EmittedEvent) => void, signal?: AbortSignal): Steps {
  const finished: FinishedStep[] = [];
  const used = new Map<string, number>();
  const started = performance.now();

  function identify(step: Omit<Step, "id">): string {
    const base = [step.kind, step.node ?? step.site ?? step.subject].filter(Boolean).join(":");
    const count = (used.get(base) ?? 0) + 1;
    used.set(base, count);
    return count === 1 ? base : `${base}#${count}`;
  }

  return {
    finished,
    async run({ after = [], ...description }, work) {
      const step: Step = { id: identify(description), ...description };
      const startMs = performance.now() - started;
      let result: string | undefined;
      emit({ type: "step-start", step });
      const handle: StepHandle = {
        id: step.id,
        progress: (message) => emit({ type: "step-progress", step, message }),
        result: (message) => {
          result = message;
        },
      };
      const end = () => performance.now() - started;
      try {
        const value = await work(handle);
        const endMs = end();
        finished.push({ ...step, startMs, endMs, after });
        emit({
          type: "step-end",
          step,
          ok: true,
          durationMs: Math.round(endMs - startMs),
          ...(result ? { result } : {}),
        });
        return value;
      } catch (error) {
        const known = located(toMulticloudError(error, signal), step);
        emit({ type: "step-end", step, ok: false, durationMs: Math.round(end() - startMs), error: known });
        throw known;
      }
    },
  };
}

/** The error with the step's site and node where it does not name them itself. */
function located(error: MulticloudError, step: Step): MulticloudError {
  if (error.code === "CONFIG_INVALID" || error.code === "RUN_FAILED") return error;
  if ((error.site !== undefined || !step.site) && (error.node !== undefined || !step.node)) return error;
  const { code, service, status, requestId, hint, cause, message } = error;
  return new MulticloudError(message, {
    code,
    service,
    status,
    requestId,
    hint,
    cause: cause ?? error,
    site: error.site ?? step.site,
    node: error.node ?? step.node,
  });
}

/** The context of one plugin call, with reports turned into events of the run. */
export function callContext(
  base: {
    readonly cluster: string;
    readonly dialer: Dialer;
    readonly signal: AbortSignal;
    readonly emit: (event: EmittedEvent) => void;
  },
  site?: string,
): CallContext & { readonly site: string } {
  return {
    cluster: base.cluster,
    signal: base.signal,
    dialer: base.dialer,
    site: site ?? "",
    report: (report: Report) => base.emit(site === undefined ? report : { ...report, site }),
  };
}
