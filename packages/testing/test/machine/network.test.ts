import { connect as connectSocket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWorld, type RunningWorld } from "../../src/world/create-world.js";
import type { Place } from "../../src/world/network.js";
import { startSocks } from "../../src/world/socks-server.js";

let world: RunningWorld;

beforeEach(() => {
  world = createWorld();
  const { network } = world;
  network.addLan({ name: "home", natAddress: "198.51.100.7" });
  network.addLan({ name: "cloud", natAddress: "198.51.100.8" });
  network.addHost({ host: "10.0.0.5", lan: "home", machine: "inside" });
  network.addHost({ host: "10.0.0.5", lan: "cloud", machine: "twin" });
  network.addHost({ host: "203.0.113.9", machine: "public" });
  for (const [machine, address] of [
    ["inside", "10.147.0.1"],
    ["public", "10.147.0.2"],
  ] as const) {
    network.joinOverlay(machine, "zt");
    network.addHost({ host: address, overlay: "zt", machine });
    network.listen({ host: address, port: 80, overlay: "zt" }, ({ stream }) =>
      stream.end(`overlay ${machine}`),
    );
  }
  network.listen({ host: "10.0.0.5", port: 80, lan: "home" }, ({ stream }) => stream.end("inside"));
  network.listen({ host: "10.0.0.5", port: 80, lan: "cloud" }, ({ stream }) => stream.end("twin"));
  network.listen({ host: "203.0.113.9", port: 80 }, ({ stream }) => stream.end("public"));
  network.forwardPort({ lan: "home", port: 8080, to: { host: "10.0.0.5", port: 80 } });
});
afterEach(() => world.close());

async function get(from: Place, host: string, port = 80): Promise<string> {
  try {
    const stream = await world.network.dial(from, { host, port });
    let text = "";
    for await (const chunk of stream) text += chunk;
    return text;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

describe("who reaches whom", () => {
  const operator = {};
  const inside = { lan: "home", machine: "inside" };
  it.each([
    ["the operator, a public host", operator, "203.0.113.9", 80, "public"],
    ["the operator, a closed port", operator, "203.0.113.9", 81, "ECONNREFUSED"],
    ["the operator, a host behind NAT", operator, "10.0.0.5", 80, "EHOSTUNREACH"],
    ["the operator, a forwarded port", operator, "198.51.100.7", 8080, "inside"],
    ["the operator, the router itself", operator, "198.51.100.7", 22, "ECONNREFUSED"],
    ["the operator, an overlay address", operator, "10.147.0.1", 80, "EHOSTUNREACH"],
    ["the operator, an address of nobody", operator, "203.0.113.99", 80, "EHOSTUNREACH"],
    ["the operator, a name of nobody", operator, "nobody.example", 80, "ENOTFOUND"],
    ["a host of the site, its neighbour", { lan: "home" }, "10.0.0.5", 80, "inside"],
    ["a host of another site with the same range", { lan: "cloud" }, "10.0.0.5", 80, "twin"],
    ["a host behind NAT, the internet", inside, "203.0.113.9", 80, "public"],
    ["a member, another member's overlay address", inside, "10.147.0.2", 80, "overlay public"],
    ["no member, an overlay address", { lan: "cloud", machine: "twin" }, "10.147.0.1", 80, "EHOSTUNREACH"],
  ])("%s", async (_what, from, host, port, expected) => {
    expect(await get(from, host, port)).toBe(expected);
  });

  it("forgets a member that left", async () => {
    world.network.leaveOverlay("public", "zt");
    expect(await get(inside, "10.147.0.2")).toBe("EHOSTUNREACH");
  });
});

describe("a stream", () => {
  it("half-closes and holds back a fast writer", async () => {
    let received = 0;
    world.network.listen({ host: "203.0.113.9", port: 90 }, ({ stream }) => {
      stream.on("data", (chunk: Buffer) => {
        received += chunk.length;
        stream.pause();
        setImmediate(() => stream.resume());
      });
      stream.once("end", () => stream.end(String(received)));
    });
    const stream = await world.network.dial({}, { host: "203.0.113.9", port: 90 });
    const chunk = Buffer.alloc(64 * 1024);
    let waited = 0;
    for (let index = 0; index < 64; index += 1) {
      if (stream.write(chunk)) continue;
      waited += 1;
      await new Promise((resolve) => stream.once("drain", resolve));
    }
    stream.end();
    let text = "";
    for await (const part of stream) text += part;
    expect(text).toBe(String(64 * chunk.length));
    expect(waited).toBeGreaterThan(0);
  });

  it("is reset by a peer that breaks off", async () => {
    world.network.listen({ host: "203.0.113.9", port: 91 }, ({ stream }) => {
      stream.on("error", () => {});
      stream.destroy(new Error("broken"));
    });
    const stream = await world.network.dial({}, { host: "203.0.113.9", port: 91 });
    expect(await new Promise((resolve) => stream.once("error", resolve))).toMatchObject({
      code: "ECONNRESET",
    });
  });
});

describe("a power cut", () => {
  it("lets dials time out and open connections hang, then break", async () => {
    const slow = createWorld({ scale: 0.001 });
    slow.network.addLan({ name: "home", natAddress: "198.51.100.7" });
    slow.network.addHost({ host: "10.0.0.5", lan: "home", machine: "inside" });
    slow.network.listen({ host: "10.0.0.5", port: 80, lan: "home" }, ({ stream }) =>
      stream.on("error", () => {}).resume(),
    );
    slow.network.forwardPort({ lan: "home", port: 80, to: { host: "10.0.0.5", port: 80 } });
    const stream = await slow.network.dial({}, { host: "198.51.100.7", port: 80 });
    const broken = new Promise((resolve) => stream.once("error", resolve));
    slow.network.setPower("home", false);
    let wrote = false;
    stream.write("x", () => {
      wrote = true;
    });
    await expect(slow.network.dial({}, { host: "198.51.100.7", port: 80 })).rejects.toMatchObject({
      code: "ETIMEDOUT",
    });
    expect(await broken).toMatchObject({ code: "ECONNRESET" });
    expect(wrote).toBe(false);
    slow.network.setPower("home", true);
    (await slow.network.dial({}, { host: "198.51.100.7", port: 80 })).destroy();
    slow.close();
  });

  it("respects the dialler's patience", async () => {
    const slow = createWorld({ scale: 1 });
    slow.network.addLan({ name: "home", natAddress: "198.51.100.7" });
    slow.network.setPower("home", false);
    await expect(
      slow.network.dial({}, { host: "198.51.100.7", port: 80 }, AbortSignal.timeout(10)),
    ).rejects.toMatchObject({ name: "TimeoutError" });
    slow.close();
  });
});

describe("the SOCKS server", () => {
  async function request(from: Place, address: Buffer, port: number): Promise<Buffer> {
    const socks = await startSocks(world, from);
    const socket = connectSocket(Number(new URL(socks.url).port), "127.0.0.1");
    socket.write(Buffer.from([5, 1, 0]));
    const target = Buffer.concat([Buffer.from([5, 1, 0]), address, Buffer.from([port >> 8, port & 255])]);
    socket.write(target);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    await socks.close();
    return Buffer.concat(chunks);
  }
  const v4 = (address: string) => Buffer.from([1, ...address.split(".").map(Number)]);
  const named = (name: string) => Buffer.concat([Buffer.from([3, name.length]), Buffer.from(name)]);

  it("connects, by address and by name", async () => {
    for (const address of [v4("203.0.113.9"), named("203.0.113.9")]) {
      const answer = await request({}, address, 80);
      expect([...answer.subarray(0, 4)]).toEqual([5, 0, 5, 0]);
      expect(answer.subarray(12).toString()).toBe("public");
    }
  });
  it("dials from inside a local network when told to", async () => {
    expect((await request({ lan: "home" }, v4("10.0.0.5"), 80)).subarray(12).toString()).toBe("inside");
  });
  it("understands IPv6", async () => {
    world.network.addHost({ host: "2001:db8::5", machine: "six" });
    world.network.listen({ host: "2001:db8::5", port: 80 }, ({ stream }) => stream.end("six"));
    const address = Buffer.from([4, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
    expect((await request({}, address, 80)).subarray(12).toString()).toBe("six");
  });
  it.each([
    ["refused", v4("203.0.113.9"), 81, 5],
    ["unreachable", v4("10.0.0.5"), 80, 4],
    ["unknown name", named("nobody.example"), 80, 4],
    ["unknown address type", Buffer.from([9]), 80, 8],
  ])("answers with the error: %s", async (_what, address, port, code) => {
    expect((await request({}, address, port))[3]).toBe(code);
  });
  it("answers a timeout with 6", async () => {
    world.network.setPower("home", false);
    expect((await request({}, v4("198.51.100.7"), 8080))[3]).toBe(6);
  });
});
