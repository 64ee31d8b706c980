import { delay } from "../plugin/delay.js";

/** What the drill looks at while the site is lost. */
export interface Measured {
  /** Addresses of the lost site. */
  readonly theirs: readonly string[];
  readonly before: readonly string[];
  /** Status that the client got before the loss. */
  readonly answer: number;
  readonly intervalMs: number;
  /** The addresses that the record holds now. */
  look(): Promise<readonly string[]>;
  /** The status that the client gets now. */
  request(signal: AbortSignal): Promise<number | undefined>;
  /** Whether the site is lost by now. */
  isLost(): boolean;
  /** Notes a moment and gives its seconds. */
  note(what: string): number;
}

/** Seconds until the record holds no address of the lost site; 0 when it held none before. */
export async function untilRecordIsRight(
  { theirs, before, intervalMs, look, note }: Measured,
  signal: AbortSignal,
): Promise<{ readonly seconds: number; readonly after: readonly string[] }> {
  const isRight = (addresses: readonly string[]) =>
    addresses.length > 0 && !addresses.some((address) => theirs.includes(address));
  if (isRight(before)) return { seconds: 0, after: before };
  return repeat(signal, intervalMs, async () => {
    const after = await look().catch(() => before);
    return isRight(after) ? { seconds: note(`the record → ${after.join(", ")}`), after } : undefined;
  });
}

/**
 * Seconds until the client has the answer again that it had before; 0 when it never failed.
 *
 * @param record settles once the record is right: before that an answer may be the lost site's last one
 */
export async function untilClientHasAnswer(
  { answer, intervalMs, request, isLost, note }: Measured,
  record: Promise<unknown>,
  signal: AbortSignal,
): Promise<number> {
  let failed = false;
  let recordIsRight = false;
  record.then(
    () => {
      recordIsRight = true;
    },
    () => {},
  );
  return repeat(signal, intervalMs, async () => {
    const mayEnd = isLost() && (failed || recordIsRight);
    const status = await request(signal);
    if (status === answer) {
      if (!mayEnd) return undefined;
      return failed ? note("the client has its answer again") : 0;
    }
    if (!failed) note(`the client gets ${status === undefined ? "no answer" : `status ${status}`}`);
    failed = true;
    return undefined;
  });
}

async function repeat<T>(
  signal: AbortSignal,
  intervalMs: number,
  look: () => Promise<T | undefined>,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    await delay(intervalMs, signal);
  }
}
