import type { CrashPoint } from "./crash.js";

const nodeName = /multicloud-([a-z]+)-(master|worker)-\d+/;

/**
 * All effects but those that are the same on every machine: of these one master and one worker, in turn of
 * another site.
 */
export function oneNodePerRole(effects: readonly string[]): readonly string[] {
  const others: string[] = [];
  const byRole = new Map<string, string[]>();
  for (const effect of effects) {
    const found = nodeName.exec(effect);
    if (!effect.startsWith("machine ") || !found) others.push(effect);
    else {
      const folded = effect.replace(nodeName, "$2");
      byRole.set(folded, [...(byRole.get(folded) ?? []), effect]);
    }
  }
  const turns = [...byRole].sort(([one], [other]) => (one < other ? -1 : 1));
  return [...others, ...turns.map(([, same], turn) => [...same].sort()[turn % same.length]!)];
}

/**
 * Moments shortly after effects of `up()`: between one and the next, where files of the state are written. Of
 * every second one the run that follows is cut off as well.
 */
export function randomMoments(effects: readonly string[], count: number, seed: number): CrashPoint[] {
  const random = generator(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  return Array.from({ length: effects.length === 0 ? 0 : count }, (_, turn) => {
    const at = below(effects.length);
    const moment: CrashPoint = { verb: "up", effect: effects[at]!, afterMs: below(40) };
    return turn % 2 === 0 ? moment : { ...moment, thenAt: 1 + below(effects.length - at) };
  });
}

/** Mulberry32: small, and good enough to choose. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
