import { expect } from "vitest";

/** The reason of the signals that fire in a case. */
export const stoppedByTest = new Error("stopped by the test");

/** Aborts a call at the n-th change that it asks for; false when there were fewer. */
export async function abortAt(
  onWrite: (listener: () => void) => () => void,
  n: number,
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<boolean> {
  const abort = new AbortController();
  let seen = 0;
  const unlisten = onWrite(() => {
    seen += 1;
    if (seen === n) abort.abort(stoppedByTest);
  });
  const error = await work(abort.signal).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  unlisten();
  if (seen < n) {
    if (error !== undefined) throw error;
    return false;
  }
  // The last change may be the end of the call.
  if (error !== undefined) {
    expect(error, "an aborted call rejects with the signal's reason").toBe(stoppedByTest);
  }
  return true;
}
