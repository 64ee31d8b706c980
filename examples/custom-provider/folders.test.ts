import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWorld } from "@multicloud/testing";
import { type CloudThing, describeProvider } from "@multicloud/testing/conformance";
import { type FolderOptions, folders } from "./folders.js";
import { hypervisor } from "./hypervisor.js";

describeProvider({
  name: "folders",
  async create() {
    const directory = await fs.mkdtemp(join(tmpdir(), "multicloud-folders-"));
    const world = createWorld();
    const machines = hypervisor(directory, world);
    const listeners = new Set<() => void>();
    let writes = 0;
    let refused = false;
    let cut: "before" | "after" | undefined;

    // What the provider calls, with a fault in it when a case wants one.
    const broken = () => Object.assign(new Error("input/output error"), { code: "EIO", syscall: "write" });
    const denied = () => Object.assign(new Error("permission denied"), { code: "EACCES", syscall: "open" });
    const spied: Record<string, unknown> = {};
    for (const name of ["mkdir", "readdir", "readFile", "rename", "rm", "rmdir", "writeFile"] as const) {
      spied[name] = async (...args: unknown[]) => {
        if (refused) throw denied();
        const makes = name === "rename" && String(args[1]).endsWith("machine.json") ? cut : undefined;
        if (makes) cut = undefined;
        if (makes === "before") throw broken();
        const before = await contents(directory);
        const result = await (fs[name] as (...given: unknown[]) => Promise<unknown>)(...args);
        if ((await contents(directory)).join() !== before.join()) {
          writes += 1;
          for (const listener of listeners) listener();
        }
        if (makes === "after") throw broken();
        return result;
      };
    }

    return {
      provider: () => folders({ directory, files: spied as unknown as NonNullable<FolderOptions["files"]> }),
      shape: () => ({ size: "small", image: "debian-12" }),
      async things() {
        const paths = await contents(directory);
        return paths.map((path): CloudThing => {
          const machine = /^[^/]+_[^/]+\/([^/]+)$/.exec(path)?.[1];
          return machine && !machine.startsWith("shared.json")
            ? { kind: "machine", name: machine, state: path }
            : { kind: "file", name: path };
        });
      },
      writes: () => writes,
      secrets: ["no secret is needed to write into a folder"],
      onWrite(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      cutCreate(when) {
        cut = when;
      },
      refuse() {
        refused = true;
      },
      async makeForeign(machine, { cluster, site }) {
        await fs.mkdir(join(directory, machine), { recursive: true });
        await fs.writeFile(join(directory, machine, "machine.json"), "somebody else's");
        await fs.mkdir(join(directory, `${cluster}-${site}`));
      },
      firewall: true,
      wrongShape: { shape: { size: "smal" }, path: "workers.size" },
      async close() {
        machines.stop();
        world.close();
        await fs.rm(directory, { recursive: true, force: true });
      },
    };
  },
  cannot: {
    requests: "a folder has no pages",
    peakRequests: "files are opened one after the other",
  },
});

/** Every path below the directory, without what the hypervisor writes. */
async function contents(directory: string): Promise<string[]> {
  const entries = await fs.readdir(directory, { recursive: true });
  return entries.filter((path) => !/state\.json/.test(path)).sort();
}
