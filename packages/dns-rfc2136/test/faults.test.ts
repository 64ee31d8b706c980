import type { Report } from "@multicloud/core/plugin";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Rfc2136Options, rfc2136 } from "../src/index.js";
import { callContext, startNameServer } from "./name-server.js";

const secret = Buffer.from("a secret of thirty-two bytes, yes").toString("base64");
const key = { name: "multicloud", algorithm: "hmac-sha256" } as const;
const context = callContext();
const name = "www.example.com";

let server: Awaited<ReturnType<typeof startNameServer>>;
beforeEach(async () => {
  server = await startNameServer({ ...key, secret: Buffer.from(secret, "base64") });
});
afterEach(() => server.close());

const entrypoint = (more: Partial<Rfc2136Options> = {}) =>
  rfc2136({
    server: "127.0.0.1",
    port: server.port,
    zone: "example.com",
    record: "www",
    key: { ...key, secret },
    timeoutMs: 2_000,
    ...more,
  });

test("makes, keeps and removes the record: one message each, none without a change", async () => {
  const www = entrypoint();
  expect(await www.check(context)).toEqual({ problems: [], warnings: [] });
  expect(server.counts.changes).toBe(0);
  await www.set(context, ["198.51.100.5"]);
  expect(server.addresses(name)).toEqual(["198.51.100.5"]);
  expect(server.counts.changes).toBe(1);
  const updates = server.counts.updates;
  expect((await www.set(context, ["198.51.100.5"])).changed).toBe(false);
  await www.check(context);
  expect(server.counts.updates).toBe(updates);
  await www.remove(context);
  await www.remove(context);
  expect(server.addresses(name)).toEqual([]);
  expect(server.counts).toMatchObject({ updates: updates + 1, changes: 2 });
});

test("an update whose answer is lost is settled by reading, not sent again", async () => {
  server.faults.cutUpdate = "after";
  expect((await entrypoint().set(context, ["198.51.100.5"])).changed).toBe(true);
  expect(server.counts.updates).toBe(1);
  expect(server.addresses(name)).toEqual(["198.51.100.5"]);
});

test("an update that was lost on its way is made after reading again", async () => {
  server.faults.cutUpdate = "before";
  expect((await entrypoint().set(context, ["198.51.100.5"])).changed).toBe(true);
  expect(server.counts).toMatchObject({ updates: 2, changes: 1 });
});

test("a server that fails for a moment is asked again, one that goes on failing is told", async () => {
  server.faults.servfail = 2;
  const reports: Report[] = [];
  await entrypoint().get(callContext({ reports }));
  expect(reports.filter(({ type }) => type === "retry")).toHaveLength(2);
  server.faults.servfail = 100;
  await expect(entrypoint().get(context)).rejects.toMatchObject({ code: "SERVICE_FAILED", status: 2 });
});

test.each(["unsigned", "tampered", "other-key"] as const)(
  "an answer that is %s is thrown away",
  async (how) => {
    server.faults.answers = how;
    await expect(entrypoint().get(context)).rejects.toMatchObject({ code: "SERVICE_ANSWER" });
    await expect(entrypoint().check(context)).rejects.toMatchObject({ code: "SERVICE_ANSWER" });
  },
);

test("somebody takes the name between reading and writing: theirs stays, and it is told whose it is", async () => {
  server.faults.beforeUpdate = () => {
    server.put(name, 1, Buffer.from([192, 0, 2, 1]));
    server.put(`_multicloud.${name}`, 16, Buffer.from("\x10multicloud:other\x09192.0.2.1", "latin1"));
  };
  await expect(entrypoint().set(context, ["198.51.100.5"])).rejects.toMatchObject({
    code: "CONFLICT",
    message: expect.stringContaining("the cluster other"),
  });
  expect(server.addresses(name)).toEqual(["192.0.2.1"]);
  expect(server.counts.changes).toBe(0);
});

test("an address without any mark is somebody's, whoever put it there and when", async () => {
  server.faults.beforeUpdate = () => server.put(name, 1, Buffer.from([192, 0, 2, 1]));
  await expect(entrypoint().set(context, ["198.51.100.5"])).rejects.toMatchObject({
    code: "CONFLICT",
    message: expect.stringContaining("192.0.2.1"),
  });
  expect((await entrypoint().check(context)).problems).toMatchObject([{ path: "record", code: "CONFLICT" }]);
  await entrypoint().remove(context);
  expect(server.addresses(name)).toEqual(["192.0.2.1"]);
});

test("an abort ends a call at once, with its reason", async () => {
  const controller = new AbortController();
  server.faults.servfail = 100;
  const call = entrypoint().set(callContext({ signal: controller.signal }), ["198.51.100.5"]);
  controller.abort(new Error("enough"));
  await expect(call).rejects.toThrow("enough");
});

test("a wrong secret is told without the secret, in errors and reports", async () => {
  const reports: Report[] = [];
  server.faults.answers = "other-key";
  const error = await entrypoint()
    .get(callContext({ reports }))
    .catch((thrown: unknown) => thrown);
  expect(JSON.stringify([error, reports, String(error)])).not.toContain(secret);
});

test("all that is wrong with the options is told at once, and nobody is asked", async () => {
  const { problems } = await rfc2136({
    server: "ns1 .example.com",
    port: 0,
    zone: "exa_mple..com",
    record: "a.*.b",
    key: { name: "k", algorithm: "hmac-md5" as "hmac-sha1", secret: "not base64!" },
    ttl: -1,
    tll: 60,
  } as Rfc2136Options).check(context);
  expect(problems.map(({ path }) => path).sort()).toEqual(
    ["key.algorithm", "key.secret", "port", "record", "server", "tll", "ttl", "zone"].sort(),
  );
  expect(problems.find(({ path }) => path === "tll")).toMatchObject({ suggestion: "ttl" });
  expect(JSON.stringify(problems)).not.toContain("not base64!");
  expect(server.counts.queries).toBe(0);
});
