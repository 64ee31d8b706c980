import { MulticloudError } from "../errors/multicloud-error.js";
import type { EmittedEvent, RunEvent, Verb } from "./events.js";

/**
 * Work in progress. Await it for the result, iterate it for the events (each iterator gets all events from
 * the first on), or both. The iteration ends with `run-end` and never throws: the error is what awaiting
 * gives.
 */
export interface Run<T> extends PromiseLike<T>, AsyncIterable<RunEvent> {
  catch<U>(onRejected: (error: unknown) => U | PromiseLike<U>): Promise<T | U>;
  finally(onFinally: () => void): Promise<T>;
}

/** A watch runs for ever: only so many events are kept for iterators that lag behind. */
const keptEvents = 20_000;

/** Starts `work` at once. */
export function startRun<T>(
  verb: Verb,
  cluster: string,
  work: (emit: (event: EmittedEvent) => void) => Promise<T>,
): Run<T> {
  const started = performance.now();
  const events: RunEvent[] = [];
  const sleepers = new Set<() => void>();
  let dropped = 0;
  let ended = false;

  function emit(event: EmittedEvent): void {
    events.push({ at: Math.round(performance.now() - started), ...event } as RunEvent);
    if (events.length > keptEvents) {
      events.shift();
      dropped += 1;
    }
    for (const wake of sleepers) wake();
    sleepers.clear();
  }

  async function execute(): Promise<T> {
    emit({ type: "run-start", verb, cluster });
    try {
      const result = await work(emit);
      ended = true;
      emit({ type: "run-end", ok: true });
      return result;
    } catch (error) {
      const known = toMulticloudError(error);
      ended = true;
      emit({ type: "run-end", ok: false, error: known });
      throw known;
    }
  }

  const promise = execute();
  // Somebody who only iterates has seen the error in `run-end`; that must not end the process.
  promise.catch(() => {});

  async function* iterate(): AsyncGenerator<RunEvent, void> {
    for (let next = 0; ; next++) {
      next = Math.max(next, dropped);
      while (next >= dropped + events.length) {
        if (ended) return;
        await new Promise<void>((resolve) => sleepers.add(resolve));
      }
      yield events[next - dropped]!;
    }
  }

  return {
    // biome-ignore lint/suspicious/noThenProperty: a run is awaited for its result
    then: (onFulfilled, onRejected) => promise.then(onFulfilled, onRejected),
    catch: (onRejected) => promise.catch(onRejected),
    finally: (onFinally) => promise.finally(onFinally),
    [Symbol.asyncIterator]: iterate,
  };
}

/** Any thrown value as the SDK's error: aborts (also those of `signal` with a reason of the caller's own) are told apart from defects. */
export function toMulticloudError(error: unknown, signal?: AbortSignal): MulticloudError {
  if (MulticloudError.isInstance(error)) return error;
  const isReason = signal?.aborted === true && signal.reason === error;
  if (
    isReason ||
    (error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError"))
  ) {
    return new MulticloudError("the run was aborted by its caller", { code: "ABORTED", cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new MulticloudError(message, { code: "INTERNAL", cause: error });
}
