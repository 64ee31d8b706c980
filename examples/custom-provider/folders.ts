import fs from "node:fs/promises";
import { join } from "node:path";
import {
  type Machine,
  type MachineRequest,
  MulticloudError,
  nearest,
  type Problem,
  type Provider,
  type SiteContext,
} from "@multicloud/core/plugin";

/** Settings of {@link folders}. */
export interface FolderOptions {
  /** Where the machines are kept; a hypervisor watches it. */
  readonly directory: string;
  /** Default: `node:fs/promises`. */
  readonly files?: Pick<
    typeof fs,
    "mkdir" | "readdir" | "readFile" | "rename" | "rm" | "rmdir" | "writeFile"
  >;
}

const sizes = ["small", "large"];
const images = ["debian-12", "debian-13"];

/**
 * A cloud made of folders: `<cluster>_<site>/<node>/machine.json` is a machine, and whoever watches the
 * directory starts it and puts its address into `state.json` beside it. The path is the mark: names are DNS
 * labels, so an underscore cannot be part of one.
 */
export function folders({ directory, files = fs }: FolderOptions): Provider {
  const siteFolder = ({ cluster, site }: SiteContext) => join(directory, `${cluster}_${site}`);
  const sharedFile = (context: SiteContext) => join(siteFolder(context), "shared.json");

  async function list(context: SiteContext): Promise<Machine[]> {
    const entries = await ask(context, () => files.readdir(siteFolder(context), { withFileTypes: true }));
    const names = (entries ?? []).filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const machines: Machine[] = [];
    // One after the other: many machines are not to mean many open files.
    for (const name of names) {
      const folder = join(siteFolder(context), name);
      const request = await readJson<MachineRequest>(context, join(folder, "machine.json"));
      const state = await readJson<{ readonly address: string }>(context, join(folder, "state.json"));
      machines.push({
        id: name,
        name,
        role: request?.role ?? (name.includes("-master-") ? "master" : "worker"),
        spec: request?.spec ?? "",
        // Cut off between folder and file: create() finishes it, or the next up() replaces it.
        status: !request ? "failed" : state ? "running" : "creating",
        ...(request ? { size: request.size, image: request.image } : { fault: "it was not made completely" }),
        ...(state ? { publicAddress: state.address } : {}),
      });
    }
    return machines;
  }

  /** Writes a file only when it is to say something else, whole or not at all. True when it wrote. */
  async function put(context: SiteContext, path: string, content: string): Promise<boolean> {
    if ((await ask(context, () => files.readFile(path, "utf8"))) === content) return false;
    await ask(context, () => files.writeFile(`${path}.new`, content, { mode: 0o600 }));
    await ask(context, () => files.rename(`${path}.new`, path));
    return true;
  }

  async function readJson<T>(context: SiteContext, path: string): Promise<T | undefined> {
    const text = await ask(context, () => files.readFile(path, "utf8"));
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  return {
    specVersion: "v1",
    name: "folders",
    userData: { maxBytes: 65_536, gzip: false },
    createBatch: 10,
    list,
    async check(context, { machines }) {
      await list(context);
      const problems: Problem[] = [];
      for (const [field, allowed] of [
        ["size", sizes],
        ["image", images],
      ] as const) {
        for (const { role, [field]: given } of machines) {
          const path = `${role}s.${field}`;
          if (allowed.includes(given) || problems.some((problem) => problem.path === path)) continue;
          const suggestion = nearest(given, allowed);
          problems.push({
            path,
            message: `unknown ${field}`,
            given,
            allowed,
            ...(suggestion && { suggestion }),
          });
        }
      }
      return { problems, warnings: [] };
    },
    async ensureShared(context, request) {
      await ask(context, () => files.mkdir(siteFolder(context), { recursive: true }));
      await put(context, sharedFile(context), JSON.stringify(request));
    },
    async create(context, requests) {
      for (const { boot: _, ...request } of requests) {
        const folder = join(siteFolder(context), request.name);
        const made = await readJson<MachineRequest>(context, join(folder, "machine.json"));
        if (made) continue;
        await ask(context, () => files.mkdir(folder, { recursive: true }));
        const userData = Buffer.from(request.userData).toString("base64");
        await put(context, join(folder, "machine.json"), JSON.stringify({ ...request, userData }));
      }
    },
    async delete(context, machines) {
      // By name inside the site's own folder: a machine of somebody else is not found there.
      for (const { name } of machines) {
        // Tried again when the machine's state is written into the folder just now.
        const options = { recursive: true, force: true, maxRetries: 5 };
        await ask(context, () => files.rm(join(siteFolder(context), name), options));
      }
    },
    async deleteShared(context) {
      await ask(context, () => files.rm(sharedFile(context), { force: true }));
      await ask(context, () => files.rm(`${sharedFile(context)}.new`, { force: true }));
      await ask(context, () => files.rmdir(siteFolder(context)));
    },
  };
}

/** One call, unless the run was stopped. `undefined` when the thing is not there; other failures say what was done. */
async function ask<T>({ signal, site }: SiteContext, call: () => Promise<T>): Promise<T | undefined> {
  signal.throwIfAborted();
  try {
    return await call();
  } catch (cause) {
    const { code, syscall, path } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new MulticloudError(
      `the folder's ${syscall ?? "call"} of ${path ?? "a file"} failed: ${code ?? cause}`,
      {
        code: code === "EACCES" ? "FORBIDDEN" : "SERVICE_FAILED",
        service: "folders",
        site,
        cause,
      },
    );
  } finally {
    signal.throwIfAborted();
  }
}
