import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Programs } from "./build.js";
import type { CrashPoint, Outcome, Reference } from "./crash.js";
import type { Task, TaskResult } from "./worker-messages.js";

/** Worker processes that try crash points side by side. */
export interface Pool {
  reference(): Promise<Reference>;
  /** Tells of each outcome as it comes. */
  try(
    points: readonly CrashPoint[],
    reference: Reference,
    onOutcome: (point: CrashPoint, outcome: Outcome) => void,
  ): Promise<void>;
  close(): void;
}

export function createPool({ child, worker }: Programs, size: number): Pool {
  const workers = Array.from({ length: size }, () => fork(worker, { execArgv: [] }));

  async function ask(process: ChildProcess, task: Task): Promise<TaskResult> {
    const stop = new AbortController();
    const answered = once(process, "message", stop).then(([message]) => message as TaskResult);
    const ended = once(process, "exit", stop).then(([code, signal]): never => {
      throw new Error(`a worker ended (${signal ?? code})`);
    });
    process.send(task);
    try {
      return await Promise.race([answered, ended]);
    } finally {
      stop.abort();
      await Promise.allSettled([answered, ended]);
    }
  }

  return {
    async reference() {
      const result = await ask(workers[0]!, { type: "reference", child });
      if (result.type !== "reference") throw new Error("the worker answered something else");
      return result.reference;
    },
    async try(points, reference, onOutcome) {
      const queue = [...points];
      await Promise.all(
        workers.map(async (process) => {
          for (let point = queue.shift(); point; point = queue.shift()) {
            const result = await ask(process, { type: "point", child, point, reference });
            if (result.type === "outcome") onOutcome(point, result.outcome);
          }
        }),
      );
    },
    close() {
      for (const process of workers) process.kill();
    },
  };
}
