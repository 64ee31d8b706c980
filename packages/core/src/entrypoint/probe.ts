import type { Dialer } from "../contracts/dialer.js";

/** Port on which an entry address must answer: the ingress' HTTPS. */
const entryPort = 443;

/** Whether a TCP connection to the entry can be opened within `timeoutMs`; `port` is by default the ingress'. Rejects only when `signal` aborts. */
export async function entryAnswers(
  dialer: Dialer,
  address: string,
  signal: AbortSignal,
  timeoutMs: number,
  port = entryPort,
): Promise<boolean> {
  try {
    const stream = await dialer({ host: address, port }, { signal, timeoutMs });
    stream.on("error", () => {});
    stream.destroy();
    return true;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    void error;
    return false;
  }
}

/** The addresses that answer, in the given order; all are asked at once. */
export async function liveEntries<T extends { readonly address: string }>(
  dialer: Dialer,
  entries: readonly T[],
  signal: AbortSignal,
  timeoutMs: number,
  port = entryPort,
): Promise<readonly T[]> {
  const alive = await Promise.all(
    entries.map(({ address }) => entryAnswers(dialer, address, signal, timeoutMs, port)),
  );
  return entries.filter((_, index) => alive[index]);
}
