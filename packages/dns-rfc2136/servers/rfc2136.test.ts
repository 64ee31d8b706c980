import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CallContext, OpenRecord, Report } from "@multicloud/core/plugin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Rfc2136Options, rfc2136 } from "../src/index.js";
import { type NameServer, startNameServer } from "./name-servers.js";

function callContext(more: Partial<Pick<CallContext, "cluster">> & { reports?: Report[] } = {}): CallContext {
  return {
    cluster: more.cluster ?? "lab",
    signal: new AbortController().signal,
    dialer: (target) =>
      new Promise((resolve, reject) => {
        const socket = connect(target);
        socket.once("connect", () => resolve(socket)).once("error", reject);
      }),
    report: (report) => more.reports?.push(report),
  };
}

const context = callContext();

beforeAll(() => {
  // The agent's half is a built file.
  execFileSync("npx", ["tsup", "--silent"], { cwd: new URL("..", import.meta.url) });
});

describe.each([
  ["bind", 5301],
  ["knot", 5302],
] as const)("%s", (kind, port) => {
  let server: NameServer;
  beforeAll(async () => {
    server = await startNameServer(kind, port);
  });
  afterAll(() => server.close());
  const entrypoint = (record: string, more: Partial<Rfc2136Options> = {}) =>
    rfc2136({
      server: server.host,
      port: server.port,
      zone: "example.com",
      record,
      key: server.keys.update as Rfc2136Options["key"],
      ...more,
    });

  test("makes, keeps, moves and removes a wildcard, each change in one message", async () => {
    const apps = entrypoint("*.apps");
    const before = await server.serial();
    expect(await apps.check(context)).toEqual({ problems: [], warnings: [] });
    expect(await apps.get(context)).toBeUndefined();
    expect(await server.serial()).toBe(before);

    const addresses = ["198.51.100.5", "198.51.100.7", "2001:db8::1"];
    const first = await apps.set(context, [
      "198.51.100.7",
      "2001:DB8:0:0::1",
      "198.51.100.5",
      "198.51.100.7",
    ]);
    expect(first).toEqual({ changed: true, record: { name: "*.apps.example.com", addresses } });
    expect(await apps.get(context)).toEqual(first.record);
    expect(await server.dig("hello.apps.example.com", "A")).toEqual(["198.51.100.5", "198.51.100.7"]);
    expect(await server.dig("hello.apps.example.com", "AAAA")).toEqual(["2001:db8::1"]);
    expect(await server.dig("_multicloud-wildcard.apps.example.com", "TXT")).toEqual([
      '"multicloud:lab" "198.51.100.5" "198.51.100.7" "2001:db8::1"',
    ]);
    const made = await server.serial();

    const reports: Report[] = [];
    expect(await apps.set(callContext({ reports }), addresses)).toEqual({ ...first, changed: false });
    expect((await apps.check(callContext({ reports }))).problems).toEqual([]);
    expect(reports.filter((report) => report.type === "request" && report.method === "UPDATE")).toEqual([]);
    expect(await server.serial()).toBe(made);

    expect((await apps.set(context, ["203.0.113.9"])).changed).toBe(true);
    expect(await server.dig("a.apps.example.com", "A")).toEqual(["203.0.113.9"]);
    expect(await server.dig("a.apps.example.com", "AAAA")).toEqual([]);
    expect(Number(await server.serial())).toBe(Number(made) + 1);

    await apps.remove(context);
    const removed = await server.serial();
    await apps.remove(context);
    expect(await server.serial()).toBe(removed);
    expect(await server.dig("a.apps.example.com", "A")).toEqual([]);
    expect(await server.dig("_multicloud-wildcard.apps.example.com", "TXT")).toEqual([]);
  });

  test("a changed TTL is corrected", async () => {
    await entrypoint("ttl").set(context, ["198.51.100.5"]);
    expect((await entrypoint("ttl", { ttl: 300 }).set(context, ["198.51.100.5"])).changed).toBe(true);
    expect((await entrypoint("ttl", { ttl: 300 }).set(context, ["198.51.100.5"])).changed).toBe(false);
    await entrypoint("ttl").remove(context);
  });

  test("the zone's own name: its SOA, NS and TXT records stay", async () => {
    const apex = entrypoint("@");
    await apex.set(context, ["198.51.100.5"]);
    expect(await server.dig("example.com", "A")).toEqual(["198.51.100.5"]);
    await apex.remove(context);
    expect(await server.dig("example.com", "A")).toEqual([]);
    expect(await server.dig("example.com", "TXT")).toEqual(['"v=spf1 -all"']);
    expect(await server.dig("example.com", "NS")).toHaveLength(1);
  });

  test("never touches a name without our mark", async () => {
    const before = await server.serial();
    for (const [record, word] of [
      ["taken", "192.0.2.10"],
      ["alias", "CNAME to taken.example.com"],
      ["www.sub", "delegated to ns.elsewhere.test"],
      ["*.wild", "192.0.2.20"],
    ] as const) {
      const one = entrypoint(record);
      const { problems } = await one.check(context);
      expect(problems).toMatchObject([
        { path: "record", code: "CONFLICT", message: expect.stringContaining(word) },
      ]);
      expect(await one.get(context)).toBeUndefined();
      await expect(one.set(context, ["198.51.100.5"])).rejects.toMatchObject({ code: "CONFLICT" });
      await one.remove(context);
    }
    expect(await server.serial()).toBe(before);
    expect(await server.dig("taken.example.com", "A")).toEqual(["192.0.2.10"]);
  });

  test("a name for which a wildcard answers is free all the same", async () => {
    const inside = entrypoint("real.wild");
    expect((await inside.check(context)).problems).toEqual([]);
    await inside.set(context, ["198.51.100.6"]);
    expect(await server.dig("real.wild.example.com", "A")).toEqual(["198.51.100.6"]);
    expect(await server.dig("other.wild.example.com", "A")).toEqual(["192.0.2.20"]);
    await inside.remove(context);
    expect(await server.dig("real.wild.example.com", "A")).toEqual(["192.0.2.20"]);
  });

  test("an address that somebody added by hand is neither overwritten nor removed", async () => {
    const shop = entrypoint("shop");
    await shop.set(context, ["198.51.100.5"]);
    // Nobody with our mark wrote it: another cluster's object stands in for a person with nsupdate.
    const change = (await import("../src/server.js")).openServer(context, {
      ...server,
      zone: "example.com",
      timeoutMs: 5_000,
      key: {
        name: "multicloud",
        algorithm: "hmac-sha256",
        secret: Buffer.from(server.keys.update.secret, "base64"),
      },
    });
    const name = "shop.example.com";
    await change.update("test", [], [{ name, type: "A", class: "IN", ttl: 60, data: "192.0.2.99" }]);
    change.close();
    expect((await shop.check(context)).problems).toMatchObject([
      { path: "record", message: expect.stringContaining("192.0.2.99") },
    ]);
    await expect(shop.set(context, ["198.51.100.6"])).rejects.toMatchObject({ code: "CONFLICT" });
    expect(await shop.get(context)).toEqual({ name, addresses: ["198.51.100.5"] });
    await shop.remove(context);
    expect(await server.dig(name, "A")).toEqual(["192.0.2.99"]);
  });

  test("two clusters share a zone, and one name has one owner", async () => {
    const other = callContext({ cluster: "other" });
    await entrypoint("one").set(context, ["198.51.100.1"]);
    await entrypoint("two").set(other, ["198.51.100.2"]);
    expect((await entrypoint("one").check(other)).problems).toMatchObject([
      { message: expect.stringContaining("the cluster lab") },
    ]);
    await expect(entrypoint("one").set(other, ["198.51.100.2"])).rejects.toMatchObject({ code: "CONFLICT" });
    await entrypoint("one").remove(other);
    expect(await server.dig("one.example.com", "A")).toEqual(["198.51.100.1"]);
    await entrypoint("one").remove(context);
    expect(await server.dig("two.example.com", "A")).toEqual(["198.51.100.2"]);
    await entrypoint("two").remove(other);
  });

  test("of clusters that reach for a name at the same moment one gets it, whole", async () => {
    for (let round = 0; round < 10; round++) {
      const contexts = ["a", "b", "c", "d"].map((cluster) => callContext({ cluster }));
      const results = await Promise.allSettled(
        contexts.map((each, index) => entrypoint("race").set(each, [`198.51.100.${index}`])),
      );
      const won = results.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
      expect(won).toHaveLength(1);
      expect(await server.dig("race.example.com", "A")).toEqual([`198.51.100.${won[0]}`]);
      for (const result of results)
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "CONFLICT" });
      await entrypoint("race").remove(contexts[won[0]!]!);
    }
  });

  test("writers of one cluster at the same moment: the record is one of theirs and its mark agrees", async () => {
    const results = await Promise.allSettled(
      [1, 2, 3].map((index) => entrypoint("same").set(context, [`198.51.100.${index}`])),
    );
    expect(results.some(({ status }) => status === "fulfilled")).toBe(true);
    const [address] = await server.dig("same.example.com", "A");
    expect(await server.dig("_multicloud.same.example.com", "TXT")).toEqual([
      `"multicloud:lab" "${address}"`,
    ]);
    await entrypoint("same").remove(context);
  });

  test("the agent's half, as the file that it is in the cluster, keeps the same record", async () => {
    const apps = entrypoint("*.agent");
    const folder = await mkdtemp(join(tmpdir(), "multicloud-agent-"));
    const file = join(folder, "record.mjs");
    const { program, settings, secrets } = apps.inCluster!;
    await writeFile(file, await program());
    const { openRecord } = (await import(file)) as { readonly openRecord: OpenRecord };
    expect(JSON.stringify(settings)).not.toContain(server.keys.update.secret);
    const given: Record<string, string> = { ...secrets() };
    const reports: Report[] = [];
    const record = openRecord({
      cluster: "lab",
      settings: JSON.parse(JSON.stringify(settings)),
      secret: async (name) => given[name]!,
      send: () => Promise.reject(new Error("RFC 2136 is no HTTP")),
      report: (report) => reports.push(report),
    });
    const { signal } = new AbortController();
    expect(await record.get(signal)).toEqual([]);
    expect(await record.set(["198.51.100.5"], signal)).toBe(true);
    expect(await record.set(["198.51.100.5"], signal)).toBe(false);
    expect(await record.get(signal)).toEqual(["198.51.100.5"]);
    expect(await apps.get(context)).toEqual({ name: "*.agent.example.com", addresses: ["198.51.100.5"] });
    expect((await apps.set(context, ["198.51.100.5"])).changed).toBe(false);
    expect(await server.dig("x.agent.example.com", "A")).toEqual(["198.51.100.5"]);
    given["tsig-secret"] = "AAAA";
    await expect(record.set(["198.51.100.6"], signal)).rejects.toMatchObject({ code: "AUTH_FAILED" });
    await apps.remove(context);
    await rm(folder, { recursive: true });
  });

  test("another algorithm", async () => {
    const one = entrypoint("sha", { key: server.keys.sha512 as Rfc2136Options["key"] });
    await one.set(context, ["198.51.100.5"]);
    expect(await server.dig("sha.example.com", "A")).toEqual(["198.51.100.5"]);
    await one.remove(context);
  });

  test("says what is wrong with key, right and zone", async () => {
    const { update, powerless } = server.keys;
    const wrong = async (more: Partial<Rfc2136Options>) =>
      (await entrypoint("x", more).check(context)).problems;
    const key = (more: object) => ({ key: { ...update, ...more } as Rfc2136Options["key"] });
    expect(await wrong(key({ name: "nobody" }))).toMatchObject([
      { path: "key", code: "AUTH_FAILED", message: expect.stringContaining("knows no key nobody") },
    ]);
    expect(await wrong(key({ secret: "AAAA" }))).toMatchObject([
      { path: "key", code: "AUTH_FAILED", message: expect.stringContaining("another one") },
    ]);
    expect(await wrong({ key: powerless as Rfc2136Options["key"] })).toMatchObject([
      // To Knot a key that no rule of the zone names is none.
      {
        path: "key",
        code: kind === "bind" ? "FORBIDDEN" : "AUTH_FAILED",
        message: expect.stringContaining("powerless"),
      },
    ]);
    expect(await wrong({ zone: "apps.example.com" })).toMatchObject([
      { path: "zone", code: "NOT_FOUND", suggestion: "example.com" },
    ]);
    expect(await wrong({ zone: "example.net" })).toMatchObject([{ path: expect.stringMatching(/zone|key/) }]);
    await expect(entrypoint("x", { port: 1 }).check(context)).rejects.toMatchObject({
      code: "SERVICE_UNREACHABLE",
    });
  });

  test("a clock that is wrong by an hour: the server's proven time is used, and said", async () => {
    const reports: Report[] = [];
    const { openServer } = await import("../src/server.js");
    const key = { name: "multicloud", algorithm: "hmac-sha256" as const };
    const skewed = openServer(callContext({ reports }), {
      ...server,
      zone: "example.com",
      timeoutMs: 5_000,
      key: { ...key, secret: Buffer.from(server.keys.update.secret, "base64") },
      now: () => Date.now() / 1000 - 3600,
    });
    const name = "skew.example.com";
    const line = { name, type: "A", class: "IN", ttl: 60, data: "192.0.2.7" } as const;
    expect(await skewed.update("test", [], [line])).toEqual({ outcome: "done" });
    expect(await skewed.update("test", [], [{ ...line, class: "NONE", ttl: 0 }])).toEqual({
      outcome: "done",
    });
    skewed.close();
    expect(reports.filter(({ type }) => type === "log")).toHaveLength(1);
  });

  if (kind === "bind")
    test("an update-policy for the record and its mark is enough", async () => {
      for (const record of ["www", "*.apps"]) {
        const kept = entrypoint(record, { zone: "strict.example" });
        expect((await kept.check(context)).problems).toEqual([]);
        await kept.set(context, ["198.51.100.5", "2001:db8::1"]);
        await kept.set(context, ["198.51.100.6"]);
        expect((await kept.get(context))?.addresses).toEqual(["198.51.100.6"]);
        await kept.remove(context);
      }
      expect((await entrypoint("half", { zone: "strict.example" }).check(context)).problems).toMatchObject([
        { path: "key", code: "FORBIDDEN" },
      ]);
    });
});
