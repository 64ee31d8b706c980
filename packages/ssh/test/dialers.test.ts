import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, expect, it } from "vitest";
import {
  type ConnectOptions,
  connect,
  directDialer,
  generateKeyPair,
  type JumpOptions,
  jumpDialer,
  socks5Dialer,
} from "../src/index.js";
import { socksServer } from "./socks-server.js";
import { type TestServer, testServer } from "./test-server.js";

const user = generateKeyPair("user");
const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanup.splice(0).reverse()) await close();
});

async function serve(): Promise<TestServer> {
  const server = await testServer({
    userKey: user.publicKey,
    commands: {
      whoami(channel) {
        channel.write(`${server.port}`);
        channel.exit(0);
        channel.end();
      },
    },
  });
  cleanup.push(server.close);
  return server;
}

function optionsFor(server: TestServer): ConnectOptions {
  return {
    host: "127.0.0.1",
    port: server.port,
    user: "debian",
    privateKey: user.privateKey,
    hostKeys: [server.hostKey.publicKey],
  };
}

function jumpFor(server: TestServer, more: Partial<JumpOptions> = {}): JumpOptions {
  return { host: "127.0.0.1", port: server.port, user: "debian", hostKey: server.hostKey.publicKey, ...more };
}

/** Greets, then echoes. */
async function greeter(): Promise<number> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.write("hello\n");
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

function read(stream: Duplex, length: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    stream.on("error", reject);
    stream.on("data", (chunk: Buffer) => {
      text += chunk;
      if (text.length >= length) resolve(text);
    });
  });
}

const closedPort = async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
};

it("goes through a chain of two jump hosts, and closes all of it", async () => {
  const [one, two, target] = [await serve(), await serve(), await serve()];
  const host = await connect({ ...optionsFor(target), jump: [jumpFor(one), jumpFor(two)] });
  expect((await host.exec("whoami")).stdout).toBe(`${target.port}`);
  expect([one, two, target].map((server) => server.counts.open)).toEqual([1, 1, 1]);
  await host.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect([one, two, target].map((server) => server.counts.open)).toEqual([0, 0, 0]);
});

it("verifies each jump host and names the one that failed", async () => {
  const [one, two, target] = [await serve(), await serve(), await serve()];
  const wrong = jumpFor(two, { hostKey: generateKeyPair("").publicKey });
  await expect(connect({ ...optionsFor(target), jump: [jumpFor(one), wrong] })).rejects.toMatchObject({
    code: "HOST_KEY_MISMATCH",
    hop: { port: two.port, jump: true },
  });
  expect(target.counts.connections).toBe(0);
  const stranger = jumpFor(two, { privateKey: generateKeyPair("").privateKey });
  await expect(connect({ ...optionsFor(target), jump: [jumpFor(one), stranger] })).rejects.toMatchObject({
    code: "AUTH_FAILED",
    hop: { port: two.port, jump: true },
  });
});

it("tells a target that the jump host cannot reach", async () => {
  const [jump, target] = [await serve(), await serve()];
  await target.close();
  await expect(connect({ ...optionsFor(target), jump: [jumpFor(jump)] })).rejects.toMatchObject({
    code: "UNREACHABLE",
    reason: "ECONNREFUSED",
    hop: { port: target.port, jump: false },
  });
});

it("loses the host with its jump host", async () => {
  const [jump, target] = [await serve(), await serve()];
  const host = await connect({ ...optionsFor(target), jump: [jumpFor(jump)] });
  jump.drop();
  expect(await host.closed).toMatchObject({ code: "CLOSED", hop: { port: target.port } });
});

it("forwards streams that behave like sockets", async () => {
  const server = await serve();
  const port = await greeter();
  const host = await connect(optionsFor(server));
  cleanup.push(() => host.close());
  const stream = await host.forward({ host: "127.0.0.1", port });
  const answer = read(stream, 10);
  stream.write("echo");
  expect(await answer).toBe("hello\necho");
  const closed = new Promise((resolve) => stream.once("close", resolve));
  stream.end();
  await closed;
  const unread = await host.forward({ host: "127.0.0.1", port });
  const gone = new Promise((resolve) => unread.once("close", resolve));
  unread.destroy();
  await gone;
  await expect(host.forward({ host: "127.0.0.1", port: await closedPort() })).rejects.toMatchObject({
    code: "FORWARD_FAILED",
    reason: "ECONNREFUSED",
  });
});

it("resets forwarded streams when the connection drops", async () => {
  const server = await serve();
  const host = await connect(optionsFor(server));
  const stream = await host.forward({ host: "127.0.0.1", port: await greeter() });
  const failed = new Promise((resolve) => stream.once("error", resolve));
  server.drop();
  expect(await failed).toMatchObject({ code: "ECONNRESET" });
});

it("shares one jump connection among many hosts and makes a new one when it broke", async () => {
  const [jump, target] = [await serve(), await serve()];
  const dialer = jumpDialer(optionsFor(jump));
  cleanup.push(() => dialer.close());
  const hosts = await Promise.all(
    Array.from({ length: 30 }, () => connect({ ...optionsFor(target), dialer })),
  );
  expect(jump.counts.connections).toBe(1);
  expect(target.counts.connections).toBe(30);
  jump.drop();
  // At once: the dialer still believes in the old connection.
  const again = await connect({ ...optionsFor(target), dialer });
  await Promise.all(hosts.map((host) => host.closed));
  expect((await again.exec("whoami")).stdout).toBe(`${target.port}`);
  expect(jump.counts.connections).toBe(2);
  await again.close();
});

it("fails like a dialer for the target, and like SSH for the jump host", async () => {
  const jump = await serve();
  const port = await closedPort();
  const dialer = jumpDialer(optionsFor(jump));
  cleanup.push(() => dialer.close());
  await expect(dialer({ host: "127.0.0.1", port })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  const wrong = jumpDialer({ ...optionsFor(jump), hostKeys: [generateKeyPair("").publicKey] });
  await expect(dialer({ host: "127.0.0.1", port })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await expect(
    connect({ ...optionsFor(jump), host: "node", hostKeys: [jump.hostKey.publicKey], dialer: wrong }),
  ).rejects.toMatchObject({ code: "HOST_KEY_MISMATCH", hop: { port: jump.port, jump: true } });
});

it("dials directly with Node's codes, a timeout and a signal", async () => {
  const dial = directDialer();
  await expect(dial({ host: "127.0.0.1", port: await closedPort() })).rejects.toMatchObject({
    code: "ECONNREFUSED",
  });
  const controller = new AbortController();
  controller.abort(new Error("stop"));
  await expect(dial({ host: "127.0.0.1", port: 1 }, { signal: controller.signal })).rejects.toThrow("stop");
});

it("connects through a SOCKS5 proxy that resolves the names", async () => {
  const target = await serve();
  const proxy = await socksServer({ names: { "node.internal": "127.0.0.1" }, user: "me", password: "p@ss" });
  cleanup.push(proxy.close);
  const dialer = socks5Dialer(`socks5://me:p%40ss@127.0.0.1:${proxy.port}`);
  // Each time: the banner may come with the proxy's reply or after it.
  for (let round = 0; round < 10; round++) {
    const host = await connect({ ...optionsFor(target), host: "node.internal", dialer });
    expect((await host.exec("whoami")).stdout).toBe(`${target.port}`);
    await host.close();
  }
  expect(proxy.asked[0]).toEqual({ host: "node.internal", port: target.port });
});

it("loses nothing that comes together with the proxy's reply", async () => {
  const proxy = await socksServer({ greeting: "hello\n" });
  cleanup.push(proxy.close);
  const stream = await socks5Dialer(`socks5://127.0.0.1:${proxy.port}`)({ host: "10.0.0.1", port: 22 });
  // Whoever listens late still gets everything.
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await read(stream, 6)).toBe("hello\n");
  stream.destroy();
});

it.each([
  [5, "ECONNREFUSED"],
  [4, "EHOSTUNREACH"],
  [3, "ENETUNREACH"],
  [6, "ETIMEDOUT"],
  [2, "EACCES"],
])("reads the proxy's reply %i as %s", async (reply, code) => {
  const proxy = await socksServer({ reply });
  cleanup.push(proxy.close);
  const dial = socks5Dialer(`socks5://127.0.0.1:${proxy.port}`);
  await expect(dial({ host: "10.0.0.1", port: 22 })).rejects.toMatchObject({ code });
});

it("gives up on a silent proxy, and never shows its password", async () => {
  const proxy = await socksServer({ silent: true });
  cleanup.push(proxy.close);
  const dial = socks5Dialer(`socks5://me:hidden@127.0.0.1:${proxy.port}`);
  const error = await dial({ host: "10.0.0.1", port: 22 }, { timeoutMs: 50 }).catch((caught) => caught);
  expect(error).toMatchObject({ code: "ETIMEDOUT" });
  expect(`${error.message} ${JSON.stringify(error)}`).not.toContain("hidden");
  const controller = new AbortController();
  const aborted = dial({ host: "10.0.0.1", port: 22 }, { signal: controller.signal });
  controller.abort(new Error("stop"));
  await expect(aborted).rejects.toThrow("stop");
  expect(() => socks5Dialer("http://me:hidden@proxy")).toThrow(/scheme/);
});
