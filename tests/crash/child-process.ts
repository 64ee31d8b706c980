import { fork } from "node:child_process";
import { once } from "node:events";
import type { Sandbox } from "@multicloud/testing";
import type { Answer, Request } from "./child-messages.js";

/** A process that runs verbs of the homelab in one sandbox. */
export interface VerbProcess {
  /** Resolves when the verb has succeeded; rejects when it failed or the process ended. */
  run(verb: Request["verb"]): Promise<void>;
  /** SIGKILL; resolves when the process is gone. What it has started lives on, as it would. */
  kill(): Promise<void>;
}

/** No verb takes a tenth of this. */
const limitMs = 180_000;

/** Starts the process; it loads its modules while the caller goes on. */
export function startVerbProcess(program: string, world: Sandbox): VerbProcess {
  const { HOME, TMPDIR } = process.env;
  const child = fork(program, {
    execArgv: [],
    env: { HOME, TMPDIR, ...world.env },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let complaints = "";
  child.stderr?.on("data", (chunk) => {
    complaints += chunk;
  });
  const gone = once(child, "exit").then(([code, signal]) =>
    `the process ended (${signal ?? code}) ${complaints}`.trim(),
  );

  /** The next thing that the process says. */
  function answer(): Promise<Answer> {
    const answered = new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer in ${limitMs / 1000} s`)), limitMs);
      child.once("message", (message) => {
        clearTimeout(timer);
        resolve(message as Answer);
      });
      void gone.then((reason) => {
        clearTimeout(timer);
        reject(new Error(reason));
      });
    });
    // Nobody may be waiting for it when the process is killed.
    answered.catch(() => {});
    return answered;
  }

  const ready = answer();
  return {
    async run(verb) {
      await ready;
      const request: Request = {
        verb,
        home: { ...world.home, gateway: true },
        socks: world.socks,
        state: world.stateDirectory,
      };
      const answered = answer();
      child.send(request, () => {});
      const result = await answered;
      if (result.type === "failed") throw new Error(result.error);
    },
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
