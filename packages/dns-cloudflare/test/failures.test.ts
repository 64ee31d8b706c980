import { MulticloudError, type Report } from "@multicloud/core/plugin";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { shortenWaits } from "../../testing/test/shorten-waits.js";
import { callContext, setUp } from "./fixture.js";

let waitAsEver = () => {};
beforeEach(() => {
  waitAsEver = shortenWaits();
});
const context = callContext();
afterEach(() => {
  waitAsEver();
  vi.unstubAllEnvs();
});

for (const reset of ["before", "after"] as const) {
  test(`a change cut off ${reset} it took effect converges without doubling`, async () => {
    const { world, dns, entrypoint, contents } = await setUp();
    world.faults.add({ method: "POST", reset });
    expect((await entrypoint().set(context, ["198.51.100.5", "198.51.100.6"])).changed).toBe(true);
    world.faults.add({ method: "POST", reset });
    await entrypoint().set(context, ["198.51.100.6", "198.51.100.7"]);
    expect(contents()).toEqual(["*.apps.example.com A 198.51.100.6", "*.apps.example.com A 198.51.100.7"]);
    expect(world.effects.all.map(({ action }) => action)).toEqual(["create", "create", "update"]);
    world.faults.add({ method: "POST", reset });
    await entrypoint().remove(context);
    expect(dns.list()).toEqual([]);
    await dns.close();
  });
}

test("two writers at once end in one set of records", async () => {
  const { dns, entrypoint, contents } = await setUp();
  await Promise.all([1, 2, 3].map(() => entrypoint().set(context, ["198.51.100.5"])));
  expect(contents()).toEqual(["*.apps.example.com A 198.51.100.5"]);
  await dns.close();
});

test("records that vanish between reading and writing are made again", async () => {
  const { world, dns, entrypoint, contents } = await setUp();
  await entrypoint().set(context, ["198.51.100.5"]);
  world.faults.add({
    method: "POST",
    status: 404,
    body: {
      success: false,
      errors: [{ code: 81044, message: "Record does not exist." }],
      messages: [],
      result: null,
    },
  });
  await entrypoint().set(context, ["198.51.100.6"]);
  expect(contents()).toEqual(["*.apps.example.com A 198.51.100.6"]);
  await dns.close();
});

test("a write is sent once; reads are repeated with the wait that the service asks for", async () => {
  const { world, dns, entrypoint, writes } = await setUp();
  const reports: Report[] = [];
  world.faults.add({ method: "GET", path: /zones$/, status: 429, headers: { "retry-after": "9" } });
  world.faults.add({ method: "GET", path: /dns_records$/, status: 503 });
  world.faults.add({ method: "POST", status: 500, times: 10 });
  const set = entrypoint().set(callContext({ reports }), ["198.51.100.5"]);
  await expect(set).rejects.toMatchObject({ code: "SERVICE_FAILED", status: 500, service: "cloudflare" });
  const retries = reports.filter(({ type }) => type === "retry");
  expect(retries).toMatchObject([{ delayMs: 9000 }, { attempt: 1 }]);
  // Each was preceded by a look at the records.
  expect(writes()).toHaveLength(4);
  expect(dns.calls.filter(({ path }) => path.endsWith("/dns_records"))).toHaveLength(5);
  expect(dns.list()).toEqual([]);
  await dns.close();
});

const rejected = [
  ["wrong", { value: "wrong-wrong-wrong-wrong-wrong" }],
  ["malformed", { value: "no good" }],
] as const;
for (const [kind, { value }] of rejected) {
  test(`a ${kind} token is a problem that names the permissions, and appears nowhere`, async () => {
    const { dns, entrypoint } = await setUp();
    const apps = entrypoint({ token: value });
    const { problems } = await apps.check(context);
    expect(problems).toMatchObject([
      { path: "token", hint: expect.stringContaining("Zone:Read and DNS:Edit") },
    ]);
    const error = await apps.get(context).catch((caught: unknown) => caught);
    expect(MulticloudError.isInstance(error) && error.code).toBe("AUTH_FAILED");
    expect(`${JSON.stringify([error, problems])} ${(error as Error).stack}`).not.toContain(value);
    await dns.close();
  });
}

test("a token without the right to list zones, or to edit records, is told what it lacks", async () => {
  const tokens = [
    { value: "edits-but-sees-no-zone-0", permissions: ["dns:edit"] },
    { value: "reads-only-reads-only-00", permissions: ["zone:read", "dns:read"] },
  ] as const;
  const { dns, entrypoint } = await setUp({ dns: { tokens } });
  const { problems } = await entrypoint().check(context);
  expect(problems).toMatchObject([{ path: "token", hint: expect.stringContaining("Zone:Read") }]);
  const reader = entrypoint({ token: tokens[1].value });
  await expect(reader.set(context, ["198.51.100.5"])).rejects.toMatchObject({
    code: "AUTH_FAILED",
    status: 403,
    requestId: expect.stringMatching(/-FRA$/),
  });
  await dns.close();
});

test("tells all that is wrong with the options", async () => {
  const { dns, entrypoint } = await setUp({
    dns: { zones: { "example.com": [{ name: "www", type: "CNAME", content: "elsewhere.example.net" }] } },
  });
  const check = async (more: Parameters<typeof entrypoint>[0]) =>
    (await entrypoint(more).check(context)).problems.map(({ path, message }) => `${path}: ${message}`);
  expect(await check({})).toEqual([]);
  expect(await check({ ttl: 30, record: "a.*.b" })).toEqual([
    "record: a wildcard is a whole label and the first one",
    "ttl: a TTL is 60 to 86400 seconds, or 1 for automatic",
  ]);
  expect(await check({ record: "www" })).toEqual([expect.stringMatching(/^record: a CNAME to elsewhere/)]);
  expect(await check({ zone: "example.tk" })).toHaveLength(2);
  const { problems } = await entrypoint({ zone: "apps.example.com", record: "*" }).check(context);
  expect(problems).toMatchObject([{ path: "zone", suggestion: "example.com" }]);
  await dns.close();
});

test("without a token the error names the variable, which is read at the first call", async () => {
  vi.stubEnv("CLOUDFLARE_API_TOKEN", " ");
  // The client would send these on its own.
  vi.stubEnv("CLOUDFLARE_API_KEY", "legacy");
  vi.stubEnv("CLOUDFLARE_EMAIL", "legacy@example.com");
  const { dns, entrypoint } = await setUp({ entrypoint: { token: "" } });
  const apps = entrypoint();
  await expect(apps.get(context)).rejects.toThrow(/CLOUDFLARE_API_TOKEN/);
  vi.stubEnv("CLOUDFLARE_API_TOKEN", ` ${dns.token}\n`);
  vi.stubEnv("CLOUDFLARE_BASE_URL", dns.url);
  expect(await apps.get(context)).toBeUndefined();
  await dns.close();
});

test("stops at once when it is aborted, while it waits and while it is waited for", async () => {
  const { world, dns, entrypoint } = await setUp();
  for (const fault of [{ hang: true }, { status: 429, headers: { "retry-after": "50" } }]) {
    world.faults.clear();
    world.faults.add({ ...fault, times: 9 });
    const abort = new AbortController();
    const reason = new Error("enough");
    const reading = entrypoint().get(callContext({ signal: abort.signal }));
    setTimeout(() => abort.abort(reason), 20);
    await expect(reading).rejects.toBe(reason);
  }
  await dns.close();
});

test("no address, and what is no address, is refused before any request", async () => {
  const { dns, entrypoint } = await setUp();
  for (const addresses of [[], ["198.51.100.256"], ["fe80::1%eth0"]]) {
    await expect(entrypoint().set(context, addresses)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  }
  expect(dns.calls).toEqual([]);
  await dns.close();
});
