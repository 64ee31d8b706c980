import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  type ConnectOptions,
  connect,
  type Dialer,
  directDialer,
  fingerprint,
  generateKeyPair,
  type SshHost,
  waitForSsh,
} from "../src/index.js";
import { type TestServer, type TestServerOptions, testServer } from "./test-server.js";

const user = generateKeyPair("user");
const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of cleanup.splice(0).reverse()) await close();
});

async function serve(options: Partial<TestServerOptions> = {}): Promise<TestServer> {
  const server = await testServer({ userKey: user.publicKey, ...options });
  cleanup.push(server.close);
  return server;
}

function optionsFor(server: TestServer, more: Partial<ConnectOptions> = {}): ConnectOptions {
  return {
    host: "127.0.0.1",
    port: server.port,
    user: "debian",
    privateKey: user.privateKey,
    hostKeys: [server.hostKey.publicKey],
    ...more,
  };
}

async function open(options: ConnectOptions): Promise<SshHost> {
  const host = await connect(options);
  cleanup.push(() => host.close());
  return host;
}

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup.push(
    () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(resolve);
      }),
  );
  return (server.address() as { port: number }).port;
}

describe("host keys", () => {
  it("accepts any of the accepted keys and says which one was presented", async () => {
    const server = await serve();
    const other = generateKeyPair("other").publicKey;
    const host = await open(optionsFor(server, { hostKeys: [other, server.hostKey.publicKey] }));
    expect(server.hostKey.publicKey.startsWith(host.hostKey)).toBe(true);
    expect(fingerprint(host.hostKey)).toBe(fingerprint(server.hostKey.publicKey));
  });

  it("refuses another key and carries both sides", async () => {
    const server = await serve();
    const other = generateKeyPair("").publicKey;
    await expect(connect(optionsFor(server, { hostKeys: [other] }))).rejects.toMatchObject({
      code: "HOST_KEY_MISMATCH",
      presented: server.hostKey.publicKey.split(" ").slice(0, 2).join(" "),
      fingerprint: fingerprint(server.hostKey.publicKey),
      expected: [other],
      hop: { host: "127.0.0.1", port: server.port, user: "debian", jump: false },
    });
    expect(server.log).toEqual([]);
  });

  it("negotiates only types that an accepted key can prove", async () => {
    const server = await serve();
    const ecdsa =
      "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDPWTSb/rTsG33a3smBVEW1mFyoFg9jMKxA1AdiNVwtxwBjSeUx7X4E3Vb8u0fFcA6ZVl0FjyTvBKxkx9dfrGN8=";
    await expect(connect(optionsFor(server, { hostKeys: [ecdsa] }))).rejects.toMatchObject({
      code: "HOST_KEY_MISMATCH",
      presented: undefined,
      expected: [ecdsa],
    });
  });

  it("refuses to connect with no accepted key, before it dials", async () => {
    let dialled = false;
    const dialer: Dialer = async () => {
      dialled = true;
      throw new Error("dialled");
    };
    const options = { host: "h", user: "u", privateKey: user.privateKey, dialer };
    await expect(connect({ ...options, hostKeys: [] })).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
    await expect(connect({ ...options, hostKeys: ["ssh-ed25519 AAAA"] })).rejects.toMatchObject({
      code: "OPTIONS_INVALID",
    });
    expect(dialled).toBe(false);
  });
});

describe("logging in", () => {
  it("says that the user's key was refused", async () => {
    const server = await serve();
    const privateKey = generateKeyPair("stranger").privateKey;
    await expect(connect(optionsFor(server, { privateKey }))).rejects.toMatchObject({ code: "AUTH_FAILED" });
  });

  it("says what is wrong with a private key without showing it", async () => {
    const server = await serve();
    const error = await connect(optionsFor(server, { privateKey: "SECRET" })).catch((caught) => caught);
    expect(error).toMatchObject({ code: "OPTIONS_INVALID" });
    expect(error.message).not.toContain("SECRET");
    await expect(connect(optionsFor(server, { privateKey: user.publicKey }))).rejects.toMatchObject({
      code: "OPTIONS_INVALID",
    });
  });
});

describe("hosts that do not answer", () => {
  it("tells a refused connection", async () => {
    const server = await serve();
    await server.close();
    await expect(connect(optionsFor(server))).rejects.toMatchObject({
      code: "UNREACHABLE",
      reason: "ECONNREFUSED",
    });
  });

  it("tells a connection that ends before the banner", async () => {
    const server = await serve();
    const port = await listen((socket) => socket.end());
    await expect(connect(optionsFor(server, { port }))).rejects.toMatchObject({
      code: "UNREACHABLE",
      reason: "ECONNRESET",
    });
  });

  it("tells a service that is not SSH", async () => {
    const server = await serve();
    const port = await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await expect(connect(optionsFor(server, { port }))).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("gives up on a silent one", async () => {
    const server = await serve();
    const port = await listen(() => {});
    await expect(connect(optionsFor(server, { port, connectTimeoutMs: 50 }))).rejects.toMatchObject({
      code: "TIMEOUT",
    });
  });

  it("gives up on a dialer that never comes back", async () => {
    const server = await serve();
    const dialer: Dialer = () => new Promise(() => {});
    await expect(connect(optionsFor(server, { dialer, connectTimeoutMs: 20 }))).rejects.toMatchObject({
      code: "UNREACHABLE",
      reason: "ETIMEDOUT",
    });
  });

  it("rejects with the signal's reason", async () => {
    const server = await serve();
    const controller = new AbortController();
    const reason = new Error("enough");
    const port = await listen(() => controller.abort(reason));
    await expect(connect(optionsFor(server, { port, signal: controller.signal }))).rejects.toBe(reason);
  });
});

describe("the life of a connection", () => {
  it("closes quietly and once", async () => {
    const server = await serve();
    const host = await connect(optionsFor(server));
    await host.close();
    await host.close();
    expect(await host.closed).toBeUndefined();
    await expect(host.exec("true")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(host.readFile("/x")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(host.forward({ host: "127.0.0.1", port: 1 })).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("tells when it was lost", async () => {
    const server = await serve();
    const host = await open(optionsFor(server));
    server.drop();
    expect(await host.closed).toMatchObject({ code: "CLOSED" });
  });

  it("notices a peer that went silent", async () => {
    const server = await serve();
    const streams: Socket[] = [];
    const dialer: Dialer = async (target, bounds) => {
      const stream = (await directDialer()(target, bounds)) as Socket;
      streams.push(stream);
      return stream;
    };
    const host = await open(optionsFor(server, { dialer, keepaliveMs: 10 }));
    // Nothing arrives any more, and nothing says so.
    streams[0]?.pause();
    streams[0]?.removeAllListeners("data");
    expect(await host.closed).toMatchObject({ code: "CLOSED" });
  });
});

describe("waitForSsh", () => {
  it("tries again until the host is up", async () => {
    const server = await serve();
    const codes: string[] = [];
    let attempts = 0;
    const dialer: Dialer = async (target, bounds) => {
      if (++attempts < 3) throw Object.assign(new Error("no"), { code: "ECONNREFUSED" });
      return directDialer()(target, bounds);
    };
    const host = await waitForSsh({
      ...optionsFor(server, { dialer }),
      deadlineMs: 10_000,
      intervalMs: 1,
      onAttempt: ({ error }) => codes.push(error.code),
    });
    await host.close();
    expect(codes).toEqual(["UNREACHABLE", "UNREACHABLE"]);
  });

  it("tells the last error at the deadline", async () => {
    const server = await serve();
    await server.close();
    await expect(
      waitForSsh({ ...optionsFor(server), deadlineMs: 1_000, intervalMs: 300 }),
    ).rejects.toMatchObject({
      code: "UNREACHABLE",
      reason: "ECONNREFUSED",
      message: expect.stringMatching(/gave up after/),
    });
  });

  it("tries wrong keys again only during boot", async () => {
    const server = await serve();
    const options = optionsFor(server, { hostKeys: [generateKeyPair("").publicKey] });
    let attempts = 0;
    const onAttempt = () => {
      attempts++;
    };
    await expect(waitForSsh({ ...options, deadlineMs: 5_000, onAttempt })).rejects.toMatchObject({
      code: "HOST_KEY_MISMATCH",
    });
    expect(attempts).toBe(0);
    await expect(
      waitForSsh({ ...options, deadlineMs: 2_500, intervalMs: 100, retryDuringBoot: true, onAttempt }),
    ).rejects.toMatchObject({ code: "HOST_KEY_MISMATCH" });
    expect(attempts).toBeGreaterThan(1);
  });
});
