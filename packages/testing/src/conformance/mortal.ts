const never = new Promise<never>(() => {});

/** What belongs to one process, so that all of it can be cut off as `kill -9` does. */
export interface Mortal {
  readonly dead: boolean;
  /** The same object while the process lives. After its death no call is made any more and none is answered. */
  guard<T extends object>(target: T): T;
  /** Called at its death; what a kernel does: closing connections. */
  onDeath(callback: () => void): void;
  kill(): void;
}

export function createMortal(): Mortal {
  const callbacks = new Set<() => void>();
  let dead = false;

  const guardCall =
    (call: (...args: unknown[]) => unknown) =>
    (...args: unknown[]): unknown => {
      if (dead) return never;
      const result = call(...args);
      if (!(result instanceof Promise)) return result;
      return result.then(
        (value) => (dead ? never : value),
        (error) => (dead ? never : Promise.reject(error)),
      );
    };

  return {
    get dead() {
      return dead;
    },
    guard: <T extends object>(target: T) =>
      new Proxy(target, {
        get(object, key) {
          const member: unknown = Reflect.get(object, key);
          return typeof member === "function" ? guardCall(member.bind(object)) : member;
        },
        apply: (call, self, args) =>
          guardCall((...given) => Reflect.apply(call as never, self, given))(...args),
      }),
    onDeath: (callback) => void callbacks.add(callback),
    kill() {
      if (dead) return;
      dead = true;
      for (const callback of callbacks) callback();
    },
  };
}
