import { MulticloudError, type Report } from "@multicloud/core/plugin";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeWorld, manualClock } from "../../testing/test/fake-world.js";
import { shortenWaits } from "../../testing/test/shorten-waits.js";
import { names, request, setUp, shared, siteContext, until } from "./fixture.js";

const context = siteContext();
let waitAsEver = () => {};
beforeEach(() => {
  waitAsEver = shortenWaits();
});
afterEach(() => {
  waitAsEver();
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

for (const reset of ["before", "after"] as const) {
  for (const path of [/keys$/, /tags$/, /firewalls$/, /droplets$/]) {
    test(`a POST to ${path.source} cut off ${reset} it took effect doubles nothing`, async () => {
      const { world, cloud, provider } = await setUp();
      world.faults.add({ method: "POST", path, reset });
      await provider().ensureShared(context, shared());
      await provider().create(
        context,
        names("worker", 3).map((name) => request(name)),
      );
      expect(cloud.list().droplets.map(({ name }) => name)).toEqual(names("worker", 3));
      expect(cloud.list()).toMatchObject({ keys: { length: 1 }, firewalls: { length: 1 } });
      await cloud.close();
    });
  }
}

test("gives up on a creation that keeps being cut off, and a later call converges", async () => {
  const { world, cloud, provider } = await setUp();
  await provider().ensureShared(context, shared());
  world.faults.add({ method: "POST", path: /droplets$/, reset: "before", times: 2 });
  await expect(provider().create(context, [request("lab-ocean-worker-1")])).rejects.toMatchObject({
    code: "SERVICE_UNREACHABLE",
    site: "ocean",
  });
  await provider().create(context, [request("lab-ocean-worker-1")]);
  expect(cloud.list().droplets).toHaveLength(1);
  await cloud.close();
});

test("waits for a droplet that is still being made before it deletes it", async () => {
  const clock = manualClock();
  const world = fakeWorld({ clock, timing: { buildMs: 150_000, deleteMs: 5_000 } });
  const { cloud, provider } = await setUp({ world });
  await provider().ensureShared(context, shared());
  await provider().create(context, [request("lab-ocean-worker-1")]);
  const all = await provider().list(context);
  let isDeleted = false;
  const deleted = provider()
    .delete(context, all)
    .finally(() => {
      isDeleted = true;
    });
  await until(() => isDeleted || cloud.calls.filter(({ status }) => status === 422).length > 1);
  expect([isDeleted, cloud.list().droplets.length]).toEqual([false, 1]);
  await clock.advance(150_000);
  await deleted;
  await clock.advance(5_000);
  await provider().deleteShared(context);
  expect(cloud.list()).toMatchObject({ droplets: [], tags: [] });
  await cloud.close();
});

for (const how of ["vanishes", "stays"] as const) {
  test(`a droplet whose creation fails and ${how} is told of with its action, and made anew by the next run`, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { cloud, provider } = await setUp();
    const ocean = provider();
    await ocean.ensureShared(context, shared());
    cloud.failNextCreate(how);
    await ocean.create(context, [request("lab-ocean-worker-1"), request("lab-ocean-worker-2")]);
    const before = cloud.calls.length;
    expect((await ocean.list(context)).filter(({ status }) => status === "failed")).toEqual([]);
    expect(cloud.calls.slice(before).map(({ path }) => path)).toEqual(["/v2/droplets"]);
    vi.setSystemTime(Date.now() + 11_000);
    const failed = (await ocean.list(context)).filter(({ status }) => status === "failed");
    expect(failed).toMatchObject([
      { name: "lab-ocean-worker-1", fault: expect.stringMatching(/create action \d+ ended in error/) },
    ]);
    // Once it is known nobody asks again.
    const asked = cloud.calls.length;
    expect(await ocean.list(context)).toHaveLength(2);
    expect(cloud.calls.slice(asked).map(({ path }) => path)).toEqual(["/v2/droplets"]);
    await ocean.delete(context, failed);
    await until(() => cloud.list().droplets.length === 1);
    expect((await ocean.list(context)).map(({ name }) => name)).toEqual(["lab-ocean-worker-2"]);
    await ocean.create(context, [request("lab-ocean-worker-1")]);
    expect(
      cloud
        .list()
        .droplets.map(({ name }) => name)
        .sort(),
    ).toEqual(names("worker", 2));
    await ocean.delete(context, await ocean.list(context));
    await ocean.deleteShared(context);
    expect(Object.values(cloud.list()).flat()).toEqual([]);
    await cloud.close();
  });
}

test("another process sees that a droplet which stays new has failed", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { cloud, provider } = await setUp();
  await provider().ensureShared(context, shared());
  cloud.failNextCreate("stays");
  await provider().create(context, [request("lab-ocean-worker-1")]);
  const other = provider();
  await other.list(context);
  vi.setSystemTime(Date.now() + 11_000);
  expect(await other.list(context)).toMatchObject([{ status: "failed" }]);
  await cloud.close();
});

test("honours Retry-After", async () => {
  waitAsEver();
  const { world, cloud, provider } = await setUp();
  const reports: Report[] = [];
  const headers = { "retry-after": "1" };
  world.faults.add({ method: "GET", path: /droplets/, status: 429, headers });
  await provider().list(siteContext("ocean", { reports }));
  expect(reports.find(({ type }) => type === "retry")).toMatchObject({ delayMs: 1000 });
  await cloud.close();
});

test("a wrong token is named with what to do, and appears nowhere", async () => {
  const { cloud, provider } = await setUp();
  const token = "dop_v1_wrong0wrong0wrong0";
  const ocean = provider({ token });
  const error = await ocean.list(context).catch((caught: unknown) => caught);
  expect(MulticloudError.isInstance(error) && error.code).toBe("AUTH_FAILED");
  const { problems } = await ocean.check(context, { machines: [], toCreate: [] });
  expect(problems).toMatchObject([{ path: "provider.token" }]);
  expect(JSON.stringify([error, problems])).not.toContain(token);
  expect((error as Error).stack).not.toContain(token);
  await cloud.close();
});

test("the token is read from the environment at the first call, trimmed; an empty one is none", async () => {
  vi.stubEnv("DIGITALOCEAN_TOKEN", "  ");
  vi.stubEnv("DIGITALOCEAN_ACCESS_TOKEN", "");
  const { cloud, provider } = await setUp();
  const { token: _, ...options } = { token: "", ...{ baseURL: cloud.url } };
  const ocean = provider({ ...options, token: " " });
  await expect(ocean.list(context)).rejects.toThrow(/DIGITALOCEAN_TOKEN nor DIGITALOCEAN_ACCESS_TOKEN/);
  vi.stubEnv("DIGITALOCEAN_ACCESS_TOKEN", ` ${cloud.token}\n`);
  expect(await ocean.list(context)).toEqual([]);
  await cloud.close();
});

test("the region is read from the environment when none is given, and its absence is told before anything is made", async () => {
  vi.stubEnv("DIGITALOCEAN_REGION", "");
  const { cloud, provider, writes } = await setUp();
  const ocean = provider({ region: "" });
  const { problems } = await ocean.check(context, { machines: [], toCreate: [] });
  expect(problems).toMatchObject([
    { path: "provider.region", message: "no region is given", allowed: expect.arrayContaining(["fra1"]) },
  ]);
  await provider().ensureShared(context, shared());
  const before = writes().length;
  const [machine] = names("worker", 1).map((name) => request(name));
  await expect(ocean.create(context, [machine!])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  expect(writes().length).toBe(before);
  vi.stubEnv("DIGITALOCEAN_REGION", " nyc3\n");
  await ocean.create(context, [machine!]);
  expect(cloud.list().droplets.map(({ region }) => region.slug)).toEqual(["nyc3"]);
  await cloud.close();
});

test("stops at once when it is aborted", async () => {
  const { world, cloud, provider } = await setUp();
  world.faults.add({ hang: true });
  const abort = new AbortController();
  const listed = provider().list(siteContext("ocean", { signal: abort.signal }));
  const reason = new Error("enough");
  setImmediate(() => abort.abort(reason));
  await expect(listed).rejects.toBe(reason);
  await cloud.close();
});
