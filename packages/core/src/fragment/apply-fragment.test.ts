import { describe, expect, it } from "vitest";
import type { ExecOptions, ExecResult, RemoteHost } from "../contracts/remote-host.js";
import { applyFragment } from "./apply-fragment.js";

/** A host that answers every command with these lines. */
function answering(stdout: string[], stderr: string[] = [], end: Partial<ExecResult> = { code: 0 }) {
  const calls: { command: string; options: ExecOptions }[] = [];
  const host = {
    address: "192.0.2.7",
    async exec(command: string, options: ExecOptions = {}) {
      calls.push({ command, options });
      for (const line of stdout) options.onStdout?.(line);
      for (const line of stderr) options.onStderr?.(line);
      return { stdout: "", stderr: "", code: undefined, signal: undefined, ...end };
    },
  } as unknown as RemoteHost;
  return { host, calls };
}

describe("applyFragment", () => {
  it("reports what changed from one call, with the script on standard input", async () => {
    const { host, calls } = answering([
      "Last login: never",
      "@mc\tfacts\tdebian\t12\tx86_64\t6.1.0\t1024000\t2",
      "@mc\tchanged\tfile /etc/a",
      "@mc\twarn\tlater",
      "@mc\tfile\t/etc/a\taGk=",
      "@mc\tdone\t3\t1",
    ]);
    const progress: string[] = [];
    const secret = "s3cret-content";
    const report = await applyFragment(
      host,
      { files: [{ path: "/etc/a", content: secret, mode: "0600" }] },
      { onProgress: (message) => progress.push(message), read: ["/etc/a"] },
    );
    expect(report).toMatchObject({
      checked: 3,
      changed: ["file /etc/a"],
      warnings: ["later"],
      facts: { os: "debian" },
    });
    expect(Buffer.from(report.files.get("/etc/a")!).toString()).toBe("hi");
    expect(progress).toEqual(["debian 12 on x86_64, 2 CPUs, 1000 MiB", "changed file /etc/a", "later"]);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.command).not.toContain(secret);
    expect(calls[0]?.options).toMatchObject({ sudo: true, stdin: expect.stringContaining(secret) });
  });

  it("throws with the step and the last lines of what the node said", async () => {
    const said = Array.from({ length: 9 }, (_, index) => `line ${index}`);
    const { host } = answering(["@mc\tfail\tpackages nosuch\t100"], said, { code: 1 });
    await expect(
      applyFragment(host, { packages: ["nosuch"] }, { node: "c-home-worker-1", site: "home" }),
    ).rejects.toMatchObject({
      code: "REMOTE_COMMAND_FAILED",
      site: "home",
      node: "c-home-worker-1",
      message:
        "Preparing c-home-worker-1 stopped: packages nosuch failed with code 100: line 3 | line 4 | line 5 | line 6 | line 7 | line 8",
    });
  });

  it.each([
    [{ code: 0 }, "the script's report was cut off"],
    [{ code: 127 }, "the script ended with code 127 before it was done"],
    [{ code: undefined, signal: "KILL" }, "the script was ended by signal KILL"],
  ])("does not take %j for success", async (end, message) => {
    const { host } = answering([], [], end);
    await expect(applyFragment(host, {})).rejects.toThrow(`Preparing 192.0.2.7 stopped: ${message}`);
  });
});
