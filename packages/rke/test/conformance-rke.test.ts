import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRkeTool, dockerModule } from "@multicloud/testing";
import { describeEngine } from "@multicloud/testing/conformance";
import { type RkeOptions, rke } from "../src/index.js";
import { openEngineLab } from "./engine-lab.js";

interface Docker {
  readonly containers: ReadonlyMap<string, { readonly name: string; readonly status: string }>;
}

describeEngine({
  name: "rke",
  async create() {
    const lab = await openEngineLab();
    lab.world.machines.use(dockerModule(lab.world, lab.clusters));
    const tool = await createRkeTool(lab.world, lab.clusters);
    // Notes how it was called, and becomes the program.
    const commands = join(lab.directory, "commands");
    const binary = join(lab.directory, "rke");
    await writeFile(commands, "");
    await writeFile(
      binary,
      `#!/bin/sh\necho "$0 $*" >>'${commands}'\nenv >>'${commands}'\nexec '${tool.binary}' "$@"\n`,
    );
    await chmod(binary, 0o755);
    const engine = (options: RkeOptions = {}) =>
      rke({ binary, attempts: 1, retryDelayMs: 0, readyTimeoutMs: 5_000, ...options });
    return {
      ...lab.harness,
      engine,
      things: () => [
        ...lab.fileThings(),
        ...lab.booted().flatMap((name) =>
          [
            ...((lab.machine(name).attachments.get("docker") as Docker | undefined)?.containers.values() ??
              []),
          ].map((container) => ({
            kind: "container",
            name: `${name}:${container.name} ${container.status}`,
          })),
        ),
      ],
      async secrets() {
        const state = await readFile(join(lab.stateDirectory, "engine", "cluster.rkestate"), "utf8").catch(
          () => "",
        );
        const keys = [...state.matchAll(/"keyPEM": *"((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
          JSON.parse(`"${text}"`),
        );
        return [lab.operatorKey, ...keys];
      },
      async unfit(name) {
        // Whoever is not in this group may not use Docker, and RKE goes on without the machine.
        const { files } = lab.machine(name);
        const group = files.read("/etc/group")!;
        files.write("/etc/group", group.replace(/^docker:.*$/m, "docker:x:998:"));
        return async () => files.write("/etc/group", group);
      },
      wrongOptions: () => [
        {
          plugin: engine({ verison: "v1.30.5-rancher1-1" } as RkeOptions),
          path: "verison",
          suggestion: "version",
          allowed: true,
        },
        {
          plugin: engine({ version: "1.30" }),
          path: "version",
          given: "1.30",
          suggestion: "v1.30.5-rancher1-1",
        },
        { plugin: engine({ podCidr: "10.42.0.0" }), path: "podCidr", given: "10.42.0.0" },
        { plugin: engine({ attempts: 0 }), path: "attempts", given: "0" },
        {
          plugin: engine({ config: { network: { plugin: "canel" } } } as unknown as RkeOptions),
          path: "config.network.plugin",
          given: "canel",
          suggestion: "canal",
          allowed: true,
        },
      ],
      commands: async () => (await readFile(commands, "utf8")).split("\n"),
      async close() {
        await tool.close();
        await lab.close();
      },
    };
  },
});
