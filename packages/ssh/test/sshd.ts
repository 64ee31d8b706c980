import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { accessSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { generateKeyPair } from "../src/index.js";

const program = "/usr/sbin/sshd";

/** Why the real server cannot be used here; `undefined` when it can. */
export function noSshd(): string | undefined {
  try {
    accessSync(program);
    // Root's sshd wants this folder, which the service's start usually makes.
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    return undefined;
  } catch (error) {
    return `${program} cannot be used (${(error as Error).message}); install openssh-server`;
  }
}

export interface Sshd {
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  /** What stands for /etc/ssh. */
  readonly directory: string;
  /** Public line of a host key that is in the folder now. */
  hostKey(type: "ed25519" | "ecdsa" | "rsa"): string;
  /** Everything sshd has logged. */
  log(): string;
  close(): Promise<void>;
}

/** OpenSSH's own server as a process of the test's user, with its files in a folder of its own. */
export async function startSshd(extraConfig = ""): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), "multicloud-sshd-"));
  const userKey = generateKeyPair("user");
  const keyFile = (type: string) => join(directory, `ssh_host_${type}_key`);
  for (const type of ["ed25519", "rsa"]) {
    execFileSync("ssh-keygen", [
      "-q",
      "-t",
      type,
      ...(type === "rsa" ? ["-b", "2048"] : []),
      "-N",
      "",
      "-f",
      keyFile(type),
    ]);
  }
  const port = await freePort();
  writeFileSync(join(directory, "authorized_keys"), `${userKey.publicKey}\n`, { mode: 0o600 });
  const config = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    ...["ed25519", "ecdsa", "rsa"].map((type) => `HostKey ${keyFile(type)}`),
    `PidFile ${join(directory, "sshd.pid")}`,
    `AuthorizedKeysFile ${join(directory, "authorized_keys")}`,
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "UsePAM no",
    "StrictModes no",
    "MaxStartups 100",
    "Subsystem sftp internal-sftp",
    // The user's own shell start-up files are no part of these tests.
    `SetEnv HOME=${directory}`,
    extraConfig,
    "",
  ];
  writeFileSync(join(directory, "sshd_config"), config.join("\n"));
  const logFile = join(directory, "sshd.log");
  const child = spawn(program, ["-D", "-f", join(directory, "sshd_config"), "-E", logFile], {
    stdio: "ignore",
  });
  await listening(child, port, logFile);
  return {
    port,
    user: userInfo().username,
    privateKey: userKey.privateKey,
    directory,
    hostKey: (type) => readFileSync(`${keyFile(type)}.pub`, "utf8").trim(),
    log: () => readFileSync(logFile, "utf8"),
    close: () =>
      new Promise((resolve) => {
        child.once("exit", () => {
          rmSync(directory, { recursive: true, force: true });
          resolve();
        });
        child.kill("SIGTERM");
      }),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(child: ChildProcess, port: number, logFile: string): Promise<void> {
  const { directDialer } = await import("../src/index.js");
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      (await directDialer()({ host: "127.0.0.1", port })).destroy();
      return;
    } catch {
      if (child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  throw new Error(`sshd did not start: ${readFileSync(logFile, "utf8")}`);
}

/** An SSH agent that holds the user's key. */
export async function startAgent(sshd: Sshd): Promise<{ agentSocket: string; stop(): Promise<void> }> {
  const agentSocket = join(sshd.directory, "agent.sock");
  const child = spawn("ssh-agent", ["-D", "-a", agentSocket], { stdio: "ignore" });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  while (!existsSync(agentSocket)) await new Promise((resolve) => setTimeout(resolve, 5));
  execFileSync("ssh-add", ["-q", "-"], {
    env: { ...process.env, SSH_AUTH_SOCK: agentSocket },
    input: sshd.privateKey,
  });
  return {
    agentSocket,
    stop: () => {
      child.kill();
      return exited;
    },
  };
}
