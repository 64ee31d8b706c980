/** Runs work of one key one after another, in the order of the calls; that of different keys at once. */
export type Turns = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Turns for the callers that share it. A failure of one does not keep the next from its turn. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = last.get(key);
    const mine = before === undefined ? work() : before.then(work);
    const after = mine.catch(() => {});
    last.set(key, after);
    try {
      return await mine;
    } finally {
      if (last.get(key) === after) last.delete(key);
    }
  };
}
