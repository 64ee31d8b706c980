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
    const bound = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const stream = await dialer({ host: address, port: entryPort }, { signal: bound, timeoutMs });
      return await answersGreeting(stream, greeting, bound);
    } catch {
      return false;
    } finally {
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
