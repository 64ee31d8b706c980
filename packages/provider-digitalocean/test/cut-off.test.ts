import type { Provider, SiteContext } from "@multicloud/core/plugin";
import { expect, test } from "vitest";
import { names, publicKey, request, setUp, shared, siteContext } from "./fixture.js";

const machines = names("worker", 3).map((name) => request(name));
const key = publicKey();

const stored = names("worker", 2).map((name) =>
  request(name, { providerOptions: { volume: { sizeGiB: 10 } } }),
);

async function storedUp(ocean: Provider, context: SiteContext): Promise<void> {
  await ocean.ensureShared(context, shared(key));
  await ocean.create(context, stored);
}

const addressed = names("worker", 2).map((name) => request(name, { providerOptions: { reservedIp: true } }));

async function addressedUp(ocean: Provider, context: SiteContext): Promise<void> {
  await ocean.ensureShared(context, shared(key));
  await ocean.create(context, addressed);
}

async function up(ocean: Provider, context: SiteContext): Promise<void> {
  await ocean.ensureShared(context, shared(key));
  await ocean.create(context, [...machines, request("lab-ocean-master-1", { role: "master" })]);
}

async function destroy(ocean: Provider, context: SiteContext): Promise<void> {
  await ocean.delete(context, await ocean.list(context));
  await ocean.deleteShared(context);
}

/** Runs a step of which the process dies at effect `n`; false when there were fewer effects. */
async function dieAt(
  n: number,
  environment: Awaited<ReturnType<typeof setUp>>,
  step: (ocean: Provider, context: SiteContext) => Promise<void>,
): Promise<boolean> {
  const abort = new AbortController();
  const before = environment.world.effects.all.length;
  const stop = environment.world.effects.listen((effect) => {
    if (effect.n - before === n) abort.abort(new Error("killed"));
  });
  const ended = await step(environment.provider(), siteContext("ocean", { signal: abort.signal })).then(
    () => "ended",
    (error: Error) => error.message,
  );
  stop();
  return ended === "killed";
}

/** Tries every effect of a step, all at once: each has a cloud of its own. Gives how many there were. */
async function atEachEffect(attempt: (n: number) => Promise<boolean>): Promise<number> {
  const died = await Promise.all(Array.from({ length: 16 }, (_, index) => attempt(index + 1)));
  expect(died.at(-1)).toBe(false);
  return died.indexOf(false);
}

test("up is taken up again wherever it was cut off, with nothing doubled", async () => {
  const points = await atEachEffect(async (n) => {
    const environment = await setUp();
    const { cloud, provider } = environment;
    const died = await dieAt(n, environment, up);
    await up(provider(), siteContext());
    const lengths = { droplets: { length: 4 }, keys: { length: 1 }, firewalls: { length: 1 } };
    expect(cloud.list()).toMatchObject(lengths);
    await destroy(provider(), siteContext());
    expect(Object.values(cloud.list()).flat()).toEqual([]);
    await cloud.close();
    return died;
  });
  expect(points).toBe(11);
});

test("destroy is taken up again wherever it was cut off, with nothing left", async () => {
  const points = await atEachEffect(async (n) => {
    const environment = await setUp();
    const { cloud, provider } = environment;
    await up(provider(), siteContext());
    const died = await dieAt(n, environment, destroy);
    await destroy(provider(), siteContext());
    expect(Object.values(cloud.list()).flat()).toEqual([]);
    await cloud.close();
    return died;
  });
  expect(points).toBe(11);
});

test("reserved addresses are neither doubled nor lost wherever up is cut off", async () => {
  const points = await atEachEffect(async (n) => {
    const environment = await setUp();
    const { cloud, provider } = environment;
    const died = await dieAt(n, environment, addressedUp);
    await addressedUp(provider(), siteContext());
    expect(cloud.list()).toMatchObject({ droplets: { length: 2 }, reservedIps: { length: 2 } });
    const machines = await provider().list(siteContext());
    expect(machines.map(({ publicAddress }) => publicAddress).sort()).toEqual(
      [...cloud.list().reservedIps].sort(),
    );
    await destroy(provider(), siteContext());
    expect(Object.values(cloud.list()).flat(), `after ${n}`).toEqual([]);
    await cloud.close();
    return died;
  });
  expect(points).toBe(13);
});

test("reserved addresses go wherever destroy is cut off", async () => {
  const points = await atEachEffect(async (n) => {
    const environment = await setUp();
    const { cloud, provider } = environment;
    await addressedUp(provider(), siteContext());
    const died = await dieAt(n, environment, destroy);
    await destroy(provider(), siteContext());
    expect(Object.values(cloud.list()).flat(), `after ${n}`).toEqual([]);
    await cloud.close();
    return died;
  });
  expect(points).toBe(15);
});

test("volumes are neither doubled nor lost wherever up is cut off", async () => {
  const points = await atEachEffect(async (n) => {
    const environment = await setUp();
    const { cloud, provider } = environment;
    const died = await dieAt(n, environment, storedUp);
    await storedUp(provider(), siteContext());
    expect(cloud.list(), `after ${n}`).toMatchObject({ droplets: { length: 2 }, volumes: { length: 2 } });
    await destroy(provider(), siteContext());
    expect(Object.values(cloud.list()).flat(), `after ${n}`).toEqual([]);
    await cloud.close();
    return died;
  });
  expect(points).toBe(11);
});

test("volumes go wherever destroy is cut off", async () => {
  const points = await atEachEffect(async (n) => {
    const environment = await setUp();
    const { cloud, provider } = environment;
    await storedUp(provider(), siteContext());
    const died = await dieAt(n, environment, destroy);
    await destroy(provider(), siteContext());
    expect(Object.values(cloud.list()).flat(), `after ${n}`).toEqual([]);
    await cloud.close();
    return died;
  });
  expect(points).toBe(11);
});
