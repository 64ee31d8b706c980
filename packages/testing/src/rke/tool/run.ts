import type { World } from "../../world/world.js";
import type { KubernetesClusters } from "../clusters.js";
import type { ClusterStates } from "./cluster-states.js";
import type { S3 } from "./s3.js";

/** The version that the emulated program says it is. */
export const rkeVersion = "v1.6.3";

/** One start of the program. */
export interface ToolCall {
  readonly world: World;
  readonly clusters: KubernetesClusters;
  readonly states: ClusterStates;
  readonly s3: S3;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Prints a line and waits until it is out. */
  print(line: string): Promise<void>;
  /** Aborts when the program is killed. */
  readonly signal: AbortSignal;
}

/** What ends the program with exit code 1, as `logrus.Fatal` does. */
export class Fatal extends Error {}

/** Writes log lines as logrus does when its output is no terminal. */
export interface Log {
  info(message: string): Promise<void>;
  warn(message: string): Promise<void>;
  fatal(message: string): Promise<void>;
}

export function createLog({ print, world }: ToolCall): Log {
  const write = (level: string) => (message: string) => {
    const time = new Date(world.clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
    return print(`time="${time}" level=${level} msg=${JSON.stringify(message)}`);
  };
  return { info: write("info"), warn: write("warning"), fatal: write("fatal") };
}
