import { isIP } from "node:net";
import type { AgentClock } from "./clock.js";
import { within } from "./clock.js";

/** Asks one outside source for the caller's address over one family; the source's whole answer as text. */
export type AskSource = (url: string, family: 4 | 6, signal: AbortSignal) => Promise<string>;

const timeoutMs = 5_000;

/**
 * The address under which the internet sees this machine, by family, when at least two sources say the same
 * and fewer say anything else. One that lies, or was taken over, changes nothing.
 */
export async function findAddresses(
  clock: AgentClock,
  sources: readonly string[],
  ask: AskSource,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = await Promise.all(
    ([4, 6] as const).map(async (family) => {
      const answers = await Promise.all(
        sources.map((url) =>
          within(clock, timeoutMs, signal, (bounded) => ask(url, family, bounded)).then(
            (text) => addressIn(text, family),
            () => undefined,
          ),
        ),
      );
      return agreed(answers);
    }),
  );
  return found.filter((address) => address !== undefined);
}

/** What at least two say, if no other is said as often. */
export function agreed(answers: readonly (string | undefined)[]): string | undefined {
  const counts = new Map<string, number>();
  for (const answer of answers) {
    if (answer !== undefined) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  const [first, second] = [...counts].sort(([, a], [, b]) => b - a);
  return first && first[1] >= 2 && (second?.[1] ?? 0) < first[1] ? first[0] : undefined;
}

/** The value of `ip=` (Cloudflare's trace, which names the host before), otherwise the first word that is an address of the family. */
export function addressIn(text: string, family: 4 | 6): string | undefined {
  const start = text.slice(0, 4_096);
  const words = (/^ip=(.*)$/m.exec(start)?.[1] ?? start).split(/[\s,;"'<>{}[\]]+/);
  return canonicalAddress(words.find((word) => isIP(word) === family) ?? "");
}

/** An address in the one way in which it is written everywhere; `undefined` when it is none, or of one link only (`fe80::1%eth0`). */
export function canonicalAddress(text: string): string | undefined {
  if (isIP(text) === 0 || text.includes("%")) return undefined;
  return isIP(text) === 4 ? text : new URL(`http://[${text}]`).hostname.slice(1, -1);
}
