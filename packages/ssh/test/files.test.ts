import { afterEach, beforeEach, expect, it } from "vitest";
import { connect, generateKeyPair, type SshHost } from "../src/index.js";
import { type TestServer, testServer } from "./test-server.js";

const user = generateKeyPair("user");
let server: TestServer;
let host: SshHost;

beforeEach(async () => {
  server = await testServer({ userKey: user.publicKey });
  host = await connect({
    host: "127.0.0.1",
    port: server.port,
    user: "debian",
    privateKey: user.privateKey,
    hostKeys: [server.hostKey.publicKey],
  });
});
afterEach(async () => {
  await host.close();
  await server.close();
});

it("writes and reads bytes of any size", async () => {
  const data = Buffer.alloc(300_000, "0123456789");
  await host.writeFile("/home/debian/big", data);
  expect(Buffer.from(await host.readFile("/home/debian/big")).equals(data)).toBe(true);
  await host.writeFile("/home/debian/empty", "");
  expect(await host.readFile("/home/debian/empty")).toHaveLength(0);
});

it("keeps the content private until the file has its mode and its name", async () => {
  await host.writeFile("/etc/secret", "s", { mode: "0640" });
  expect(server.log).toEqual([
    "open /etc/.secret.multicloud-tmp",
    "write 600",
    "mv -f /etc/.secret.multicloud-tmp /etc/secret",
  ]);
  expect(server.files.get("/etc/secret")?.mode).toBe(0o640);
  expect([...server.files.keys()]).toEqual(["/etc/secret"]);
});

it("takes over what a killed writer left behind", async () => {
  server.files.set("/etc/.conf.multicloud-tmp", { data: Buffer.from("half"), mode: 0o600 });
  await host.writeFile("/etc/conf", "whole");
  expect([...server.files.keys()]).toEqual(["/etc/conf"]);
  expect(Buffer.from(await host.readFile("/etc/conf")).toString()).toBe("whole");
});

it("lets writers of one file take turns", async () => {
  await Promise.all(["a", "b", "c"].map((text) => host.writeFile("/etc/conf", text.repeat(1000))));
  expect(Buffer.from(await host.readFile("/etc/conf")).toString()).toBe("c".repeat(1000));
});

it("tells why it cannot", async () => {
  await expect(host.readFile("/missing")).rejects.toMatchObject({ code: "FILE_FAILED", reason: "ENOENT" });
  await expect(host.writeFile("/denied/x", "")).rejects.toMatchObject({
    code: "FILE_FAILED",
    reason: "EACCES",
  });
  await expect(host.writeFile("/x", "", { mode: "rw" })).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
  await expect(host.writeFile("/x", "", { owner: "-R root" })).rejects.toMatchObject({
    code: "OPTIONS_INVALID",
  });
});
