import type { Report } from "@multicloud/core/plugin";
import { expect, test } from "vitest";
import { callContext, setUp } from "./fixture.js";

const context = callContext();

test("sets, keeps, moves and removes addresses, each change in one call", async () => {
  const { dns, entrypoint, writes, contents } = await setUp();
  const apps = entrypoint();
  expect(apps.record).toBe("*.apps.example.com");
  expect(await apps.get(context)).toBeUndefined();
  const first = await apps.set(context, ["198.51.100.7", "2001:DB8:0:0::1", "198.51.100.5", "198.51.100.7"]);
  const addresses = ["198.51.100.5", "198.51.100.7", "2001:db8::1"];
  expect(first).toEqual({ changed: true, record: { name: "*.apps.example.com", addresses } });
  expect(await apps.get(context)).toEqual(first.record);
  expect(dns.resolve("hello.apps.example.com")).toEqual(addresses);
  expect(dns.list().every((record) => record.comment === "multicloud:lab" && record.ttl === 60)).toBe(true);
  expect(writes()).toHaveLength(1);

  expect(await apps.set(context, addresses)).toEqual({ ...first, changed: false });
  expect(writes()).toHaveLength(1);

  expect((await apps.set(context, ["203.0.113.9"])).changed).toBe(true);
  expect(contents()).toEqual(["*.apps.example.com A 203.0.113.9"]);
  expect(writes()).toHaveLength(2);

  await apps.remove(context);
  await apps.remove(context);
  expect(dns.list()).toEqual([]);
  expect(writes()).toHaveLength(3);
  await dns.close();
});

test("the name has an answer at every moment of a change", async () => {
  const { dns, entrypoint } = await setUp();
  const apps = entrypoint({ record: "@" });
  await apps.set(context, ["198.51.100.5", "198.51.100.6"]);
  const seen: (readonly string[])[] = [];
  dns.onChange(({ name }) => seen.push(dns.resolve(name)));
  await apps.set(context, ["2001:db8::1"]);
  expect(seen).toEqual([["2001:db8::1"]]);
  await dns.close();
});

test("a changed TTL or proxied flag is corrected, and a proxied record is not written for its TTL", async () => {
  const { dns, entrypoint, writes } = await setUp();
  await entrypoint().set(context, ["198.51.100.5"]);
  await entrypoint({ ttl: 300 }).set(context, ["198.51.100.5"]);
  expect(dns.list()).toMatchObject([{ ttl: 300 }]);
  const proxied = entrypoint({ ttl: 300, proxied: true });
  expect((await proxied.set(context, ["198.51.100.5"])).changed).toBe(true);
  expect(dns.list()).toMatchObject([{ ttl: 1, proxied: true }]);
  expect((await proxied.set(context, ["198.51.100.5"])).changed).toBe(false);
  expect(writes()).toHaveLength(3);
  await dns.close();
});

test("never touches records without our mark", async () => {
  const foreign = [
    { name: "*.apps", type: "TXT", content: "hands off" },
    { name: "apps", type: "A", content: "192.0.2.1" },
    { name: "www", type: "A", content: "192.0.2.2", comment: "multicloud:other" },
  ];
  const { dns, entrypoint, contents } = await setUp({ dns: { zones: { "example.com": foreign } } });
  const before = contents();
  await entrypoint().set(context, ["198.51.100.5"]);
  await entrypoint().remove(context);
  expect(contents()).toEqual(before);

  const www = entrypoint({ record: "www" });
  expect(await www.get(context)).toBeUndefined();
  await expect(www.set(context, ["198.51.100.5"])).rejects.toMatchObject({ code: "CONFLICT" });
  await www.remove(context);
  expect(contents()).toEqual(before);
  const { problems } = await www.check(context);
  expect(problems).toMatchObject([
    { path: "record", code: "CONFLICT", message: expect.stringContaining("the cluster other") },
  ]);
  await dns.close();
});

test("finds a zone and records on later pages", async () => {
  const others = Array.from({ length: 120 }, (_, index) => [`z${index}.example.net`, []] as const);
  const records = Array.from({ length: 230 }, (_, index) => ({
    name: "big",
    type: "A",
    content: `198.18.${Math.floor(index / 200)}.${index % 200}`,
    comment: "multicloud:lab",
    ttl: 60,
  }));
  const { dns, entrypoint } = await setUp({
    dns: { zones: { ...Object.fromEntries(others), "example.com": records } },
  });
  expect((await entrypoint({ record: "big" }).get(context))?.addresses).toHaveLength(230);
  const { problems } = await entrypoint({ zone: "z119.exampel.net" }).check(context);
  expect(problems).toMatchObject([
    { path: "zone", suggestion: "z119.example.net", allowed: { length: 121 } },
  ]);
  await dns.close();
});

test("reports each request without its query", async () => {
  const { dns, entrypoint } = await setUp();
  const reports: Report[] = [];
  await entrypoint().get(callContext({ reports }));
  expect(reports).toMatchObject([
    { type: "request", service: "cloudflare", method: "GET", url: `${dns.url}/zones`, status: 200 },
    { type: "request", method: "GET", status: 200 },
  ]);
  await dns.close();
});
