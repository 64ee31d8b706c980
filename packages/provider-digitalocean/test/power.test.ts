import { expect, test } from "vitest";
import { names, publicKey, request, setUp, shared, siteContext, until } from "./fixture.js";

const context = siteContext();

test("droplets lose their power at once and get it back, and neither twice", async () => {
  const { cloud, provider, writes } = await setUp();
  const ocean = provider();
  await ocean.ensureShared(context, shared(publicKey()));
  await ocean.create(
    context,
    names("worker", 2).map((name) => request(name)),
  );
  await until(() => cloud.list().droplets.every(({ status }) => status === "active"));
  const made = await ocean.list(context);
  const power = async (on: boolean) => {
    const before = writes().length;
    await ocean.power!(context, await ocean.list(context), on);
    return writes().length - before;
  };
  expect(await power(true)).toBe(0);
  expect(await power(false)).toBe(2);
  expect((await ocean.list(context)).map(({ status }) => status)).toEqual(["stopped", "stopped"]);
  expect(await power(false)).toBe(0);
  expect(await power(true)).toBe(2);
  expect(await ocean.list(context)).toEqual(made);
  await ocean.power!(context, [made[0]!], false);
  expect((await ocean.list(context)).map(({ status }) => status).sort()).toEqual(["running", "stopped"]);
  await cloud.close();
});

test("an action in the wrong state, and one that is not known, are refused as the service does", async () => {
  const { cloud, provider, api } = await setUp();
  const ocean = provider();
  await ocean.ensureShared(context, shared(publicKey()));
  await ocean.create(context, [request(names("worker", 1)[0]!)]);
  await until(() => cloud.list().droplets.every(({ status }) => status === "active"));
  const [made] = await ocean.list(context);
  const act = async (type: string) =>
    (await api("POST", `/v2/droplets/${made!.id}/actions`, { type })).status;
  expect(await act("power_on")).toBe(422);
  expect(await act("explode")).toBe(422);
  expect(await act("power_off")).toBe(201);
  await cloud.close();
});
