import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isKubeconfig } from "../kubeconfig.js";
import { parseRkeState, type RkeState } from "./rke-state.js";

/** The last run that succeeded: what it was given, and when it ended. */
export interface Applied {
  /** Digest of everything that decides what the cluster is like. */
  readonly digest: string;
  /** ISO 8601; the newest copy of the state is the one to trust. */
  readonly at: string;
}

/** RKE's files, named as RKE derives them from `cluster.yml`. */
export const fileNames = {
  config: "cluster.yml",
  state: "cluster.rkestate",
  kubeconfig: "kube_config_cluster.yml",
  applied: "applied.json",
  pending: "pending.json",
} as const;

/** RKE's files on the operator's machine. All are private (0600): they hold the cluster's keys. */
export interface EngineFiles {
  readonly directory: string;
  readonly configFile: string;
  /** `undefined` when there is none, or only half of one. */
  state(): Promise<RkeState | undefined>;
  kubeconfig(): Promise<string | undefined>;
  applied(): Promise<Applied | undefined>;
  read(name: string): Promise<string | undefined>;
  /** Atomic and durable. */
  write(name: string, content: string): Promise<void>;
  remove(name: string): Promise<void>;
}

/** The files in the engine's directory of the state. */
export function engineFiles(directory: string): EngineFiles {
  const pathOf = (name: string) => join(directory, name);
  async function read(name: string): Promise<string | undefined> {
    try {
      return await readFile(pathOf(name), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
  return {
    directory,
    configFile: pathOf(fileNames.config),
    read,
    async state() {
      const text = await read(fileNames.state);
      return text === undefined ? undefined : parseRkeState(text);
    },
    async kubeconfig() {
      const text = await read(fileNames.kubeconfig);
      return text !== undefined && isKubeconfig(text) ? text : undefined;
    },
    async applied() {
      const text = await read(fileNames.applied);
      return text === undefined ? undefined : parseApplied(text);
    },
    async write(name, content) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const temporary = pathOf(`.${name}.${randomUUID()}.tmp`);
      try {
        const handle = await open(temporary, "wx", 0o600);
        try {
          await handle.writeFile(content);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(temporary, pathOf(name));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    remove: (name) => rm(pathOf(name), { force: true }),
  };
}

/** Reads an `applied.json`; `undefined` when it is damaged. */
export function parseApplied(text: string): Applied | undefined {
  try {
    const { digest, at } = JSON.parse(text) as Partial<Applied>;
    return typeof digest === "string" && typeof at === "string" ? { digest, at } : undefined;
  } catch {
    return undefined;
  }
}
