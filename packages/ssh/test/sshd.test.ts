import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  activateHostKeys,
  activateHostKeysScript,
  type ConnectOptions,
  connect,
  type Dialer,
  directDialer,
  generateKeyPair,
  parsePublicKey,
  prepareHostKeys,
  type SshHost,
  waitForSsh,
} from "../src/index.js";
import { noSshd, type Sshd, startAgent, startSshd } from "./sshd.js";

const missing = noSshd();
if (missing) console.warn(`SKIPPED: tests against the real sshd: ${missing}`);

function optionsFor(
  sshd: Sshd,
  hostKeys: readonly string[],
  more: Partial<ConnectOptions> = {},
): ConnectOptions {
  return {
    host: "127.0.0.1",
    port: sshd.port,
    user: sshd.user,
    privateKey: sshd.privateKey,
    hostKeys,
    ...more,
  };
}

describe.skipIf(missing)("against OpenSSH's server", () => {
  let sshd: Sshd;
  let host: SshHost;
  beforeAll(async () => {
    sshd = await startSshd();
    host = await connect(optionsFor(sshd, [sshd.hostKey("ed25519")]));
  });
  afterAll(async () => {
    await host?.close();
    await sshd?.close();
  });

  it("runs commands with input, output, exit code and signal", async () => {
    expect(await host.exec("cat; echo warned >&2; exit 7", { stdin: "grün" })).toEqual({
      stdout: "grün",
      stderr: "warned\n",
      code: 7,
      signal: undefined,
    });
    expect(await host.exec("kill -9 $$")).toMatchObject({ code: undefined, signal: "KILL" });
    const stdin = "0123456789".repeat(300_000);
    expect((await host.exec("sh -s", { stdin: `# ${stdin}\necho done` })).stdout).toBe("done\n");
    expect((await host.exec("wc -c", { stdin })).stdout.trim()).toBe("3000000");
  });

  it("runs many commands at once under MaxSessions 10, and SFTP beside them", async () => {
    const results = await Promise.all([
      ...Array.from({ length: 40 }, (_, index) => host.exec(`echo ${index}`)),
      host.writeFile(join(sshd.directory, "beside"), "x"),
    ]);
    expect(results[39]).toMatchObject({ stdout: "39\n" });
    // Still eight at a time: each of these ends only when all have begun.
    const meet = `touch ${sshd.directory}/meet.$N; while [ "$(ls ${sshd.directory} | grep -c ^meet)" -lt 8 ]; do sleep 0.01; done`;
    const eight = await Promise.all(
      Array.from({ length: 8 }, (_, index) => host.exec(`N=${index}; ${meet}`, { timeoutMs: 5000 })),
    );
    expect(eight.map((result) => result.code)).toEqual(Array(8).fill(0));
  });

  it("goes on after an abort", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const onStdout = () => controller.abort(reason);
    const sleep = Array.from({ length: 20 }, () =>
      host.exec("echo started; exec sleep 0.3", { signal: controller.signal, onStdout }),
    );
    for (const result of await Promise.allSettled(sleep)) expect(result).toMatchObject({ reason });
    expect((await host.exec("echo on")).stdout).toBe("on\n");
  });

  it("replaces files with their mode, by SFTP and by command", async () => {
    const path = join(sshd.directory, "it's a file");
    await host.writeFile(path, "one", { mode: "0600" });
    expect(readFileSync(path, "utf8")).toBe("one");
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    await host.writeFile(path, Buffer.from([0, 255, 10]), { mode: "0640", owner: `${process.getuid?.()}` });
    expect([...readFileSync(path)]).toEqual([0, 255, 10]);
    expect(statSync(path).mode & 0o7777).toBe(0o640);
    expect([...(await host.readFile(path))]).toEqual([0, 255, 10]);
    writeFileSync(join(sshd.directory, ".it's a file.0123.multicloud-tmp"), "left by a host that went down");
    await host.writeFile(path, "two", { owner: `${process.getuid?.()}` });
    expect(readdirSync(sshd.directory).filter((name) => name.includes("tmp"))).toEqual([]);
    mkdirSync(join(sshd.directory, "folder"), { recursive: true });
    await expect(
      host.writeFile(join(sshd.directory, "folder"), "x", { owner: `${process.getuid?.()}` }),
    ).rejects.toMatchObject({ code: "FILE_FAILED", reason: "EISDIR" });
    await expect(host.readFile("/nowhere/x")).rejects.toMatchObject({
      code: "FILE_FAILED",
      reason: "ENOENT",
    });
  });

  it("keeps the old file and leaves nothing beside it when the writer dies half-way", async () => {
    const path = join(sshd.directory, "half");
    writeFileSync(path, "whole");
    const sockets: Socket[] = [];
    const dialer: Dialer = async (target, bounds) => {
      const socket = (await directDialer()(target, bounds)) as Socket;
      sockets.push(socket);
      return socket;
    };
    const doomed = await connect(optionsFor(sshd, [sshd.hostKey("ed25519")], { dialer }));
    const writing = doomed.writeFile(path, Buffer.alloc(50_000_000), { owner: `${process.getuid?.()}` });
    const temporary = () =>
      readdirSync(sshd.directory).filter((name) => /^\.half\..*multicloud-tmp$/.test(name));
    await vi.waitFor(() => expect(temporary()).toHaveLength(1), { interval: 1, timeout: 30_000 });
    sockets[0]?.resetAndDestroy();
    await expect(writing).rejects.toMatchObject({ code: "CLOSED" });
    await vi.waitFor(() => expect(temporary()).toEqual([]), { interval: 5, timeout: 30_000 });
    expect(readFileSync(path, "utf8")).toBe("whole");
  });

  it("goes through itself as a jump host", async () => {
    const hostKey = sshd.hostKey("ed25519");
    const jump = { host: "127.0.0.1", port: sshd.port, user: sshd.user, hostKey };
    const inner = await connect(optionsFor(sshd, [hostKey], { jump: [jump, jump] }));
    expect((await inner.exec("echo inside")).stdout).toBe("inside\n");
    await inner.close();
    await expect(host.forward({ host: "127.0.0.1", port: 1 })).rejects.toMatchObject({
      code: "FORWARD_FAILED",
      reason: "ECONNREFUSED",
    });
  });

  it("logs in with a key of an agent", async () => {
    const { agentSocket, stop } = await startAgent(sshd);
    try {
      const { privateKey: _, ...options } = optionsFor(sshd, [sshd.hostKey("ed25519")]);
      const agent = await connect({ ...options, agentSocket });
      expect((await agent.exec("echo agent")).stdout).toBe("agent\n");
      await agent.close();
      await stop();
      await expect(connect({ ...options, agentSocket })).rejects.toMatchObject({ code: "AUTH_FAILED" });
    } finally {
      await stop();
    }
  });

  it("takes a host key by the type that is accepted", async () => {
    const rsa = await connect(optionsFor(sshd, [sshd.hostKey("rsa")]));
    expect(parsePublicKey(rsa.hostKey).type).toBe("ssh-rsa");
    await rsa.close();
  });

  it("is refused for a wrong user key", async () => {
    const { privateKey } = generateKeyPair("stranger");
    await expect(connect(optionsFor(sshd, [sshd.hostKey("ed25519")], { privateKey }))).rejects.toMatchObject({
      code: "AUTH_FAILED",
    });
  });
});

describe.skipIf(missing)("host key rotation on OpenSSH's server", () => {
  let sshd: Sshd;
  let host: SshHost;
  let oneTime: string;
  const script = () => ({
    directory: sshd.directory,
    cloudConfigDirectory: join(sshd.directory, "cloud.cfg.d"),
    reload: `kill -HUP "$(cat ${join(sshd.directory, "sshd.pid")})"`,
    sudo: sshd.user === "root",
  });
  beforeAll(async () => {
    sshd = await startSshd();
    mkdirSync(join(sshd.directory, "cloud.cfg.d"));
    oneTime = sshd.hostKey("ed25519");
    host = await connect(optionsFor(sshd, [oneTime]));
  });
  afterAll(async () => {
    await host?.close();
    await sshd?.close();
  });

  const accepted = async (...keys: string[]) => {
    // sshd refuses connections for a moment while it reloads.
    const again = await waitForSsh({ ...optionsFor(sshd, keys), deadlineMs: 5000, intervalMs: 10 });
    await again.close();
    return again.hostKey;
  };

  it("does nothing when nothing is pending", async () => {
    const before = readdirSync(sshd.directory);
    expect(await activateHostKeys(host, script())).toBe(false);
    expect(readdirSync(sshd.directory)).toEqual(before);
  });

  it("rotates in two steps that can be repeated and cut off", async () => {
    // A run that was killed while it made keys.
    mkdirSync(join(sshd.directory, "multicloud-pending.new"));
    const fresh = await prepareHostKeys(host, script());
    expect(await prepareHostKeys(host, script())).toEqual(fresh);
    expect(fresh.map((line) => parsePublicKey(line).type)).toEqual(["ssh-ed25519", "ecdsa-sha2-nistp256"]);
    expect(statSync(join(sshd.directory, "multicloud-pending")).mode & 0o077).toBe(0);
    expect(await accepted(oneTime, ...fresh)).toBe(parsePublicKey(oneTime).line);

    // Cut off before each program it runs, in turn; whatever the host presents is among the accepted.
    const programs = ["cat", "chmod", "kill", "mv", "rm"];
    const full = activateHostKeysScript(script());
    let cuts = 0;
    for (let step = 1; step <= 40; step++) {
      const cut = programs.map(
        (name) => `${name}() { left=$((left-1)); [ $left -gt 0 ] || exit 9; command ${name} "$@"; }`,
      );
      const result = await host.exec(`left=${step}\n${cut.join("\n")}\n${full}`);
      expect([...fresh, oneTime].map((line) => parsePublicKey(line).line)).toContain(
        await accepted(oneTime, ...fresh),
      );
      if (result.code === 0) break;
      expect(result.code, result.stderr).toBe(9);
      cuts++;
      if (existsSync(join(sshd.directory, "multicloud-pending"))) {
        expect(await prepareHostKeys(host, script())).toEqual(fresh);
      }
    }
    expect(cuts).toBeGreaterThan(9);
    expect(await activateHostKeys(host, script())).toBe(false);

    const now = await accepted(...fresh);
    expect(fresh).toContain(now);
    await expect(connect(optionsFor(sshd, [oneTime]))).rejects.toMatchObject({
      code: "HOST_KEY_MISMATCH",
      presented: now,
    });
    const keys = readdirSync(sshd.directory).filter((name) => /ssh_host|multicloud/.test(name));
    expect(keys.sort()).toEqual([
      "ssh_host_ecdsa_key",
      "ssh_host_ecdsa_key.pub",
      "ssh_host_ed25519_key",
      "ssh_host_ed25519_key.pub",
    ]);
    for (const name of keys) {
      expect(statSync(join(sshd.directory, name)).mode & 0o777).toBe(name.endsWith(".pub") ? 0o644 : 0o600);
    }
    expect(readFileSync(join(sshd.directory, "cloud.cfg.d/99-multicloud-host-keys.cfg"), "utf8")).toBe(
      "ssh_deletekeys: false\nssh_genkeytypes: [ed25519, ecdsa]\n",
    );
    // The connection that did all this is still the first one.
    expect((await host.exec("echo here")).stdout).toBe("here\n");
  });

  it("rotates again when asked again", async () => {
    const before = sshd.hostKey("ed25519");
    const fresh = await prepareHostKeys(host, script());
    expect(fresh).not.toContain(parsePublicKey(before).line);
    expect(await activateHostKeys(host, script())).toBe(true);
    expect(fresh).toContain(await accepted(...fresh, before));
  });

  it("says what the host could not do", async () => {
    writeFileSync(join(sshd.directory, "blocked"), "");
    const options = { ...script(), directory: join(sshd.directory, "blocked") };
    await expect(prepareHostKeys(host, options)).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      message: expect.stringMatching(/Not a directory/),
    });
  });
});
