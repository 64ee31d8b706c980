import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { World } from "../../world/world.js";
import type { KubernetesClusters } from "../clusters.js";
import { createClusterStates } from "./cluster-states.js";
import { runCommand } from "./command.js";
import { createS3, type S3 } from "./s3.js";
import { shimSource } from "./shim.js";

/** An executable that behaves like `rke`, for the machines of one sandbox. */
export interface RkeTool {
  /** Absolute path of the program. */
  readonly binary: string;
  /** Runs in progress. */
  readonly running: number;
  /** Where snapshots are uploaded to. */
  readonly s3: S3;
  /** Ends all runs and removes the program. */
  close(): Promise<void>;
}

/**
 * Makes an executable file that behaves like RKE v1.6 towards the machines of a sandbox: it reads
 * `cluster.yml`, connects over SSH, drives Docker and writes RKE's files. The work is done in this process;
 * killing the program ends it midway.
 */
export async function createRkeTool(world: World, clusters: KubernetesClusters): Promise<RkeTool> {
  const directory = await mkdtemp(join(tmpdir(), "multicloud-rke-"));
  const socketPath =
    process.platform === "win32" ? `\\\\.\\pipe\\${randomBytes(8).toString("hex")}` : join(directory, "s");
  const states = createClusterStates();
  const s3 = createS3();
  const sockets = new Set<Socket>();

  const server = createServer((socket) => {
    sockets.add(socket);
    const killed = new AbortController();
    setMaxListeners(0, killed.signal);
    const printed = new Map<number, () => void>();
    let count = 0;
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      killed.abort(new Error("rke was killed"));
      for (const resolve of printed.values()) resolve();
    });
    const send = (message: unknown) => {
      if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
    };
    /** Resolves once the line has left the program, so that a run never gets ahead of what was shown. */
    async function print(line: string): Promise<void> {
      killed.signal.throwIfAborted();
      const n = count++;
      const done = new Promise<void>((resolve) => printed.set(n, resolve));
      send({ line, n });
      await done;
      killed.signal.throwIfAborted();
    }
    createInterface({ input: socket })
      .on("error", () => {})
      .on("line", (text) => {
        const message = JSON.parse(text) as { args?: string[]; cwd?: string; printed?: number };
        if (message.printed !== undefined) {
          printed.get(message.printed)?.();
          printed.delete(message.printed);
          return;
        }
        const { args = [], cwd = "/" } = message;
        runCommand({ world, clusters, states, s3, args, cwd, print, signal: killed.signal }).then(
          (code) => send({ exit: code }),
          () => socket.destroy(),
        );
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, resolve);
  });
  server.unref();
  const binary = join(directory, "rke");
  await writeFile(binary, shimSource(process.execPath, socketPath));
  await chmod(binary, 0o755);
  return {
    binary,
    s3,
    get running() {
      return sockets.size;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
