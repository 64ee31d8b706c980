import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "@multicloud/testing";

/** What stands behind the folders: starts an emulated machine for each `machine.json`, and ends it with its folder. */
export function hypervisor(directory: string, world: World): { stop(): void } {
  const running = new Set<string>();
  let last = 0;

  function look(): void {
    const found = new Set<string>();
    for (const site of existsSync(directory) ? readdirSync(directory) : []) {
      for (const name of site.includes("_") ? readdirSync(join(directory, site)) : []) {
        const folder = join(directory, site, name);
        if (!existsSync(join(folder, "machine.json"))) continue;
        const id = join(site, name);
        found.add(id);
        if (!running.has(id)) start(id, folder, join(directory, site, "shared.json"));
      }
    }
    for (const id of running) {
      if (found.has(id)) continue;
      running.delete(id);
      world.machines.destroy(id);
    }
  }

  function start(id: string, folder: string, shared: string): void {
    const { name, image, userData } = JSON.parse(readFileSync(join(folder, "machine.json"), "utf8"));
    const { sshPublicKey } = JSON.parse(readFileSync(shared, "utf8"));
    last += 1;
    const publicAddress = `198.18.${100 + Math.floor(last / 250)}.${1 + (last % 250)}`;
    world.machines.boot({
      id,
      hostname: name,
      image,
      userData: Buffer.from(userData, "base64"),
      sshKeys: [sshPublicKey],
      publicAddress,
    });
    running.add(id);
    writeFileSync(join(folder, "state.json.new"), JSON.stringify({ address: publicAddress }));
    renameSync(join(folder, "state.json.new"), join(folder, "state.json"));
  }

  const timer = setInterval(() => {
    try {
      look();
    } catch (error) {
      // A folder that goes while it is looked at is looked at again, or is gone.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }, 5);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
