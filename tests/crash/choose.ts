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

/** Moments shortly after effects: between one and the next, where files of the state are written. */
export function randomMoments(effects: readonly string[], count: number, seed: number): CrashPoint[] {
  const random = generator(seed);
  return Array.from({ length: count }, () => ({
    effect: effects[Math.floor(random() * effects.length)]!,
    afterMs: Math.floor(random() * 40),
  }));
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
