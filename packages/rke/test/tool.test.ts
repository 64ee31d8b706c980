import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runTool, toolVersion } from "../src/run/tool.js";
import { setUp } from "./fixture.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "rke-tool-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function script(source: string): Promise<string> {
  const path = join(directory, "tool");
  await writeFile(path, `#!${process.execPath}\n${source}`);
  await chmod(path, 0o755);
  return path;
}

const signal = () => AbortSignal.timeout(15_000);

test("gives the output and the exit code", async () => {
  const binary = await script("console.log('one'); console.error('two'); process.exitCode = 3;");
  const lines: string[] = [];
  const result = await runTool({ binary, args: [], signal: signal(), onLine: (line) => lines.push(line) });
  expect(result.code).toBe(3);
  expect(lines.sort()).toEqual(["one", "two"]);
});

test("passes on only the environment that RKE needs", async () => {
  vi.stubEnv("OS_PASSWORD", "hunter2");
  vi.stubEnv("SSH_AUTH_SOCK", "/run/agent");
  const binary = await script("console.log(JSON.stringify(process.env))");
  const { output } = await runTool({ binary, args: [], signal: signal() });
  vi.unstubAllEnvs();
  const environment = JSON.parse(output[0] ?? "");
  expect(environment.SSH_AUTH_SOCK).toBe("/run/agent");
  expect(environment).not.toHaveProperty("OS_PASSWORD");
});

test("an abort ends the program before it rejects", async () => {
  const binary = await script(
    `process.on("SIGTERM", () => { require("node:fs").writeFileSync(${JSON.stringify(join(directory, "ended"))}, "yes"); process.exit(0); });
     console.log("started"); setInterval(() => {}, 1000);`,
  );
  const stop = new AbortController();
  const run = runTool({
    binary,
    args: [],
    signal: stop.signal,
    onLine: () => stop.abort(new Error("enough")),
  });
  await expect(run).rejects.toThrow("enough");
  expect(await readFile(join(directory, "ended"), "utf8")).toBe("yes");
});

test("a program that is missing or cannot be executed is an error that says how to get it", async () => {
  const missing = {
    code: "ENGINE_TOOL_MISSING",
    hint: expect.stringContaining("github.com/rancher/rke/releases"),
  };
  await expect(toolVersion(join(directory, "nothing"), signal())).rejects.toMatchObject(missing);
  await writeFile(join(directory, "plain"), "text", { mode: 0o644 });
  await expect(toolVersion(join(directory, "plain"), signal())).rejects.toMatchObject(missing);
  const other = await script("console.log('busybox')");
  await expect(toolVersion(other, signal())).rejects.toMatchObject(missing);
});

test("a run that fails is repeated, a bounded number of times", async () => {
  const lab = await setUp({ attempts: 3 }, ["lab-a-master-1"]);
  const [node] = lab.nodes;
  lab.world.network.leaveOverlay("lab-a-master-1", "zt");
  const up = lab.engine.up(lab.context(), node ? [node] : []);
  await expect(up).rejects.toMatchObject({ code: "ENGINE_FAILED", service: "rke" });
  const retries = lab.reports.flatMap((report) => (report.type === "retry" ? [report.attempt] : []));
  expect(retries).toEqual([1, 2]);
  await lab.close();
});

test("an attempt after a failure goes on to the end", async () => {
  const lab = await setUp({}, ["lab-a-master-1"]);
  lab.world.network.leaveOverlay("lab-a-master-1", "zt");
  const up = lab.engine.up(
    lab.context({
      report(report) {
        if (report.type === "retry") lab.world.network.joinOverlay("lab-a-master-1", "zt");
      },
    }),
    lab.nodes,
  );
  expect((await up).changed).toBe(true);
  await lab.close();
});

test("what is secret in the configuration is cut out of RKE's lines", async () => {
  const binary = await script(`
    if (process.argv[2] === "--version") console.log("rke version v1.6.3");
    else {
      console.log('time="2026-01-01T00:00:00Z" level=fatal msg="cannot log in with correct-horse"');
      console.log("-----BEGIN RSA PRIVATE KEY-----");
      process.exitCode = 1;
    }`);
  const config = {
    private_registries: [{ url: "registry.example.com", user: "u", password: "correct-horse" }],
  };
  const lab = await setUp({ binary, attempts: 1, config }, ["lab-a-master-1"]);
  const failure = await lab.engine.up(lab.context(), lab.nodes).catch((error: Error) => error);
  expect(failure).toMatchObject({ code: "ENGINE_FAILED", message: expect.stringContaining("[redacted]") });
  expect(JSON.stringify([lab.reports, failure])).not.toContain("correct-horse");
  await lab.close();
});
