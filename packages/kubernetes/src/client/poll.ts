import { KubernetesError } from "../kubernetes-error.js";
import type { ObjectReference, WaitOptions } from "../types.js";
import { delay } from "./delay.js";
import type { Transport } from "./transport.js";
import type { Watch, WatchTarget } from "./watch.js";

/** What one look found, and what to watch until the next. */
export type Look<T> = { readonly done: T } | { readonly waiting: string; readonly watch?: WatchTarget };

/** Settings of one wait. */
export interface Wait<T> {
  /** What is waited for: `Deployment web/hello to become ready`. */
  readonly what: string;
  readonly reference?: ObjectReference;
  readonly transport: Transport;
  readonly intervalMs: number;
  /** Longest time between two looks while a watch runs. Default ten intervals: a watch may be dead without anybody noticing. */
  readonly watchedIntervalMs?: number;
  readonly options: WaitOptions | undefined;
  look(signal: AbortSignal): Promise<Look<T>>;
}

/**
 * Looks at once, and again whenever the watch tells of a change; at intervals where there is none. An API server that cannot be reached meanwhile (it restarts, its
 * node is replaced) only delays the wait. Rejects with `TIMEOUT` saying what was last seen.
 */
export async function waitFor<T>(wait: Wait<T>): Promise<T> {
  const timeoutMs = wait.options?.timeoutMs ?? 300_000;
  const outer = wait.options?.signal;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = outer ? AbortSignal.any([outer, deadline]) : deadline;
  let last = "nothing was seen of it yet";
  let watch: Watch | undefined;
  try {
    for (;;) {
      signal.throwIfAborted();
      const look = await wait.look(signal).catch((error): Look<T> => {
        if (KubernetesError.isInstance(error) && passing(error)) return { waiting: error.message };
        throw error;
      });
      if ("done" in look) return look.done;
      if (look.waiting !== last) wait.options?.onProgress?.(look.waiting);
      last = look.waiting;
      watch ??= look.watch && wait.transport.watch(look.watch);
      const pauseMs = watch ? (wait.watchedIntervalMs ?? wait.intervalMs * 10) : wait.intervalMs;
      if (await changes(watch, pauseMs, signal)) continue;
      watch?.close();
      watch = undefined;
      await delay(wait.intervalMs, signal);
    }
  } catch (error) {
    outer?.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new KubernetesError(`waited ${Math.round(timeoutMs / 1000)} s for ${wait.what}: ${last}`, {
      code: "TIMEOUT",
      reference: wait.reference,
      hint:
        wait.reference && `kubectl describe ${wait.reference.kind.toLowerCase()} ${nameFor(wait.reference)}`,
      cause: error,
    });
  } finally {
    watch?.close();
  }
}

/** Waits for a change or for the time; false when the watch has ended. */
async function changes(watch: Watch | undefined, pauseMs: number, signal: AbortSignal): Promise<boolean> {
  const over = new AbortController();
  const time = delay(pauseMs, AbortSignal.any([signal, over.signal])).then(() => true);
  try {
    return await (watch ? Promise.race([watch.next(), time]) : time);
  } finally {
    over.abort();
    time.catch(() => {});
  }
}

function passing(error: KubernetesError): boolean {
  return (
    error.code === "SERVICE_UNREACHABLE" ||
    error.code === "RATE_LIMITED" ||
    (error.status !== undefined && error.status >= 502)
  );
}

function nameFor(reference: ObjectReference): string {
  return reference.namespace ? `${reference.name} --namespace ${reference.namespace}` : reference.name;
}
