/** Something that goes wrong with matching calls of an emulated HTTP service. */
export interface Fault {
  /** Service name; default any. */
  readonly service?: string;
  readonly method?: string;
  /** Matched against the path without query. */
  readonly path?: RegExp;
  /** How many calls it hits; default 1. */
  readonly times?: number;
  /** Answer with this status (and `body`, or the service's own error body). */
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Cut the connection: before the call took effect, or after it did but before the answer. */
  readonly reset?: "before" | "after";
  /** Never answer. */
  readonly hang?: boolean;
  /** Answer this many virtual milliseconds later. */
  readonly slowMs?: number;
}

/** The faults that are waiting to happen. */
export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  /** Takes the first fault that matches, counting it down. */
  take(call: { readonly service: string; readonly method: string; readonly path: string }): Fault | undefined;
}

export function createFaults(): Faults {
  let waiting: { fault: Fault; left: number }[] = [];
  return {
    add: (fault) => waiting.push({ fault, left: fault.times ?? 1 }),
    clear() {
      waiting = [];
    },
    take(call) {
      const entry = waiting.find(
        ({ fault }) =>
          (fault.service ?? call.service) === call.service &&
          (fault.method ?? call.method) === call.method &&
          (fault.path === undefined || fault.path.test(call.path)),
      );
      if (!entry) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) waiting = waiting.filter((other) => other !== entry);
      return entry.fault;
    },
  };
}
