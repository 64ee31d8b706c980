import type { Dialer } from "../contracts/dialer.js";
import type { Session } from "../orchestrate/session.js";
import { answersGreeting, greetedName, tlsGreeting } from "./tls-greeting.js";

/** Port on which an entry address must answer: the ingress' HTTPS. */
const entryPort = 443;

/** Whether an address works. Rejects only when the session's signal aborts. */
export type AddressProbe = (address: string) => Promise<boolean>;

/** Asks an entry as a visitor's browser would: whether the ingress behind it answers a TLS greeting within `timeoutMs`. */
export async function entryProbe(
  { config, dialer, signal }: Pick<Session, "config" | "dialer" | "signal">,
  timeoutMs: number,
): Promise<AddressProbe> {
  const greeting = await tlsGreeting(greetedName(config.entrypoint?.record ?? ""));
  return async (address) => {
    // Not `AbortSignal.any`: a watch lives for months, and its signal would keep something of each probe.
    const bound = new AbortController();
    const end = () => bound.abort();
    const timer = setTimeout(end, timeoutMs);
    signal.addEventListener("abort", end, { once: true });
    try {
      const target = { host: address, port: entryPort };
      const stream = await dialer(target, { signal: bound.signal, timeoutMs });
      return await answersGreeting(stream, greeting, bound.signal);
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      signal.throwIfAborted();
    }
  };
}

/** Whether a TCP connection can be opened within `timeoutMs`. Rejects only when `signal` aborts. */
export async function portOpens(
  dialer: Dialer,
  target: { readonly host: string; readonly port: number },
  signal: AbortSignal,
  timeoutMs: number,
): Promise<boolean> {
  try {
    const stream = await dialer(target, { signal, timeoutMs });
    stream.on("error", () => {});
    stream.destroy();
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** The addresses that work, in the given order; all are asked at once. */
export async function liveEntries<T extends { readonly address: string }>(
  entries: readonly T[],
  probe: AddressProbe,
): Promise<readonly T[]> {
  const alive = await Promise.all(entries.map(({ address }) => probe(address)));
  return entries.filter((_, index) => alive[index]);
}
