import { afterEach, beforeEach, expect, it } from "vitest";
import { connect, generateKeyPair, type SshHost } from "../src/index.js";
import { type Command, type TestServer, testServer } from "./test-server.js";

const user = generateKeyPair("user");
let server: TestServer;
let host: SshHost;
/** Channels of `hang`, to be ended by the test. */
const hanging: Parameters<Command>[0][] = [];
let started: () => void = () => {};

const commands: Record<string, Command> = {
  // Two writes cut a line and a character in half.
  stream(channel) {
    const text = Buffer.from("grün\r\nzwei\nrest");
    channel.write(text.subarray(0, 3));
    channel.write(text.subarray(3));
    channel.stderr.write("warned\n");
    channel.exit(3);
    channel.end();
  },
  killed(channel) {
    channel.exit("KILL" as never, false as never, "" as never);
    channel.end();
  },
  // Answers with its input, once the input has ended.
  echo(channel) {
    const chunks: Buffer[] = [];
    channel.on("data", (chunk: Buffer) => chunks.push(chunk));
    channel.on("end", () => {
      channel.write(Buffer.concat(chunks));
      channel.exit(0);
      channel.end();
    });
  },
  hang(channel) {
    hanging.push(channel);
    channel.resume();
    channel.write("started\n");
    started();
  },
  silent(channel) {
    channel.end();
  },
  sh(channel) {
    channel.exit(0);
    channel.end();
  },
  sudo(channel, command) {
    channel.write(command);
    channel.exit(0);
    channel.end();
  },
};

async function start(maxSessions = 10, login = "debian"): Promise<void> {
  server = await testServer({ userKey: user.publicKey, commands, maxSessions });
  host = await connect({
    host: "127.0.0.1",
    port: server.port,
    user: login,
    privateKey: user.privateKey,
    hostKeys: [server.hostKey.publicKey],
  });
}

beforeEach(async () => {
  hanging.length = 0;
  started = () => {};
});
afterEach(async () => {
  await host.close();
  await server.close();
});

it("streams lines and reports output, exit code and signal", async () => {
  await start();
  const out: string[] = [];
  const err: string[] = [];
  const result = await host.exec("stream", {
    onStdout: (line) => out.push(line),
    onStderr: (line) => err.push(line),
  });
  expect(out).toEqual(["grün", "zwei", "rest"]);
  expect(err).toEqual(["warned"]);
  expect(result).toEqual({ stdout: "grün\r\nzwei\nrest", stderr: "warned\n", code: 3, signal: undefined });
  expect(await host.exec("killed")).toEqual({ stdout: "", stderr: "", code: undefined, signal: "KILL" });
});

it("gives lines as they arrive, not at the end", async () => {
  await start();
  const controller = new AbortController();
  const first = new Promise<string>((resolve) => {
    host.exec("hang", { onStdout: resolve, signal: controller.signal }).catch(() => {});
  });
  expect(await first).toBe("started");
  controller.abort();
});

it("sends standard input and closes it", async () => {
  await start();
  const stdin = "x".repeat(5_000_000);
  expect((await host.exec("echo", { stdin })).stdout).toBe(stdin);
  expect((await host.exec("echo")).stdout).toBe("");
});

it("hands a sudo command to sh as one quoted word, for root without sudo", async () => {
  await start();
  const result = await host.exec(`echo 'it''s' "$HOME"`, { sudo: true });
  expect(result.stdout).toBe(`sudo -n -- sh -c 'echo '\\''it'\\'''\\''s'\\'' "$HOME"'`);
  await host.close();
  await server.close();
  await start(10, "root");
  await host.exec("echo hi", { sudo: true });
  expect(server.log).toEqual(["sh -c 'echo hi'"]);
});

it("closes the command's channel on abort", async () => {
  await start();
  const controller = new AbortController();
  const reason = new Error("enough");
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const result = host.exec("hang", { signal: controller.signal });
  await running;
  const gone = new Promise((resolve) => hanging[0]?.once("close", resolve));
  controller.abort(reason);
  await expect(result).rejects.toBe(reason);
  await gone;
  expect((await host.exec("stream")).code).toBe(3);
});

it("ends a command that takes too long", async () => {
  await start();
  await expect(host.exec("hang", { timeoutMs: 20 })).rejects.toMatchObject({ code: "TIMEOUT" });
});

it("rejects at once with CLOSED when the connection drops under it", async () => {
  await start();
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const results = Promise.allSettled(Array.from({ length: 12 }, () => host.exec("hang")));
  await running;
  server.drop();
  for (const result of await results) {
    expect(result).toMatchObject({ status: "rejected", reason: { code: "CLOSED" } });
  }
});

it("does not take a channel without an exit status for a success", async () => {
  await start();
  await expect(host.exec("silent")).rejects.toMatchObject({ code: "CHANNEL_FAILED" });
});

it("says that the server refused a command", async () => {
  await start();
  await expect(host.exec("unknown")).rejects.toMatchObject({ code: "CHANNEL_FAILED" });
  expect((await host.exec("stream")).code).toBe(3);
});

it("passes on what a callback throws and keeps the connection", async () => {
  await start();
  const oops = new Error("oops");
  const onStdout = () => {
    throw oops;
  };
  await expect(host.exec("stream", { onStdout })).rejects.toBe(oops);
  expect((await host.exec("stream")).code).toBe(3);
});

it("runs a hundred commands over one connection, eight at a time", async () => {
  await start();
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, index) => host.exec("echo", { stdin: `${index}` })),
  );
  expect(results.map((result) => result.stdout)).toEqual(results.map((_, index) => `${index}`));
  expect(server.counts.connections).toBe(1);
  expect(server.counts.most).toBe(8);
});

it("makes do with a server that opens fewer sessions", async () => {
  await start(2);
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, index) => host.exec("echo", { stdin: `${index}` })),
  );
  expect(results.map((result) => result.stdout)).toEqual(results.map((_, index) => `${index}`));
  expect(server.counts.most).toBe(2);
});

it("leaves the queue on abort without having run", async () => {
  await start();
  const running = Array.from({ length: 8 }, () => host.exec("hang").catch(() => {}));
  const controller = new AbortController();
  const queued = host.exec("echo", { signal: controller.signal });
  controller.abort(new Error("no more"));
  await expect(queued).rejects.toThrow("no more");
  await host.close();
  await Promise.all(running);
  expect(server.log).not.toContain("echo");
});
