import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineContext, EngineNode } from "@multicloud/core/plugin";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withDefaults } from "../src/options.js";
import { runRke } from "../src/run/rke-run.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rke-run-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const nodes = ["master-1", "worker-1"].map((name, index) => ({
  name,
  site: "a",
  address: `203.0.113.${index + 1}`,
  overlayAddress: `10.144.0.${index + 1}`,
})) as unknown as readonly EngineNode[];

/** Runs a program that prints these lines and succeeds. */
async function runWith(lines: readonly string[], needed = nodes) {
  const binary = join(directory, `rke-${Math.random()}`);
  const script = `#!/bin/sh\ncat <<'END'\n${lines.join("\n")}\nEND\n`;
  await writeFile(binary, script, { mode: 0o755 });
  const context = { signal: AbortSignal.timeout(10_000), report() {} } as unknown as EngineContext;
  const settings = withDefaults({ binary });
  return runRke({
    context,
    settings,
    directory,
    args: ["up", "--config", "x"],
    nodes,
    needed,
    secrets: [],
    attempts: 1,
  });
}

const line = (level: string, message: string) => `time="x" level=${level} msg=${JSON.stringify(message)}`;

test("success is success", async () => {
  await runWith([line("info", "Finished building Kubernetes cluster successfully")]);
});

test("an addon that failed is a failure, although rke exits 0", async () => {
  const failed = line("warning", "Failed to deploy addon execute job [rke-network-plugin]: timeout");
  await expect(runWith([failed])).rejects.toMatchObject({
    code: "ENGINE_FAILED",
    message: expect.stringContaining("rke-network-plugin"),
  });
});

test("a host that is left out is a failure, unless it was not needed", async () => {
  const dropped = [line("warning", "Removing host [203.0.113.2] from node lists")];
  await expect(runWith(dropped)).rejects.toMatchObject({ code: "ENGINE_NODE_DROPPED", node: "worker-1" });
  await runWith(dropped, nodes.slice(0, 1));
});
