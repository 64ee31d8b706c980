/** One change that the emulated world underwent at somebody's request. Reads and repeated no-ops are none. */
export interface Effect {
  /** Counts from 1. */
  readonly n: number;
  /** Emulated service, for example `nova`, `digitalocean`, `machine`, `rke`. */
  readonly service: string;
  /** What was changed: `server`, `keypair`, `member`, `file`, `record`, `object`. */
  readonly kind: string;
  readonly action: "create" | "update" | "delete" | "run";
  /** Name of the thing, as a person knows it. */
  readonly name: string;
}

/** Told of each effect after it happened and before the caller gets its answer; the answer waits for the promise. */
export type EffectListener = (effect: Effect) => void | Promise<void>;

/** Everything that was changed, in order. */
export interface Effects {
  readonly all: readonly Effect[];
  record(effect: Omit<Effect, "n">): Promise<void>;
  /** Returns a function that stops listening. */
  listen(listener: EffectListener): () => void;
}

export function createEffects(): Effects {
  const all: Effect[] = [];
  const listeners = new Set<EffectListener>();
  return {
    all,
    async record(effect) {
      const recorded = { n: all.length + 1, ...effect };
      all.push(recorded);
      for (const listener of [...listeners]) await listener(recorded);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
