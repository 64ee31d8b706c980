import { existsSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClock } from "../world/clock.js";
import { createEffects } from "../world/effects.js";
import { createFaults } from "../world/faults.js";
import { instantTiming } from "../world/timing.js";
import type { World } from "../world/world.js";
import { createZeroTier, type ZeroTierWorld } from "./zerotier.js";

// The official description is not part of this repository.
const specFile = new URL("../../../../../shared/specs/zerotier-central-v1.json", import.meta.url);

let world: World;
let zerotier: ZeroTierWorld;

beforeEach(async () => {
  world = {
    // Time stands still, so that a slow machine cannot get more calls through.
    clock: { ...createClock(0), now: () => 1_700_000_000_000 },
    effects: createEffects(),
    faults: createFaults(),
    timing: instantTiming,
    machines: { use() {} },
  } as unknown as World;
  zerotier = await createZeroTier(world, {
    networks: [
      { id: "8056c2e21c000001", name: "fleet", cidr: "10.147.17.0/24" },
      { id: "8056c2e21c000666", foreign: true },
    ],
  });
});
afterEach(() => zerotier.close());

async function call(method: string, path: string, body?: unknown, authorization?: string) {
  const response = await fetch(zerotier.url + path, {
    method,
    headers: { authorization: authorization ?? `token ${zerotier.token}` },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}
const member = "/network/8056c2e21c000001/member/0c1a47f380";
const effects = () => world.effects.all.map(({ kind, action, name }) => `${action} ${kind} ${name}`);

test("a missing or wrong token is refused as the API's description says", async () => {
  expect((await call("GET", "/network", undefined, "")).status).toBe(403);
  expect((await call("GET", "/network", undefined, "token wrong")).status).toBe(403);
  expect((await call("GET", "/network/8056c2e21c000001", undefined, "token wrong")).status).toBe(401);
  expect((await call("GET", "/network", undefined, `basic ${zerotier.token}`)).status).toBe(403);
  expect((await call("GET", "/network", undefined, `bearer ${zerotier.token}`)).status).toBe(200);
  expect((await call("GET", "/status", undefined, "")).status).toBe(200);
});

test("networks of others are refused and not listed, unknown things are not found", async () => {
  expect((await call("GET", "/network")).body.map(({ id }: { id: string }) => id)).toEqual([
    "8056c2e21c000001",
  ]);
  expect((await call("GET", "/network/8056c2e21c000666")).status).toBe(403);
  expect((await call("GET", "/network/8056c2e21c00dead/member")).status).toBe(404);
  expect((await call("GET", member)).status).toBe(404);
  expect((await call("DELETE", member)).status).toBe(404);
  expect((await call("POST", "/network/8056c2e21c000001/member/nothex", {})).status).toBe(404);
  expect((await call("GET", "/nothing")).status).toBe(404);
});

test("a member can be let in before it was seen; updates are partial; repeats are no effects", async () => {
  const made = await call("POST", member, { name: "n1", config: { authorized: true } });
  expect(made.body).toMatchObject({ nodeId: "0c1a47f380", name: "n1", config: { authorized: true } });
  expect(made.body.config).not.toHaveProperty("identity");
  await call("POST", member, { name: "n1", config: { authorized: true } });
  const changed = await call("POST", member, { description: "d" });
  expect(changed.body).toMatchObject({ name: "n1", description: "d", config: { authorized: true } });
  await call("POST", member, changed.body);
  await call("DELETE", member);
  expect(effects()).toEqual(["create member n1", "update member n1", "delete member n1"]);
});

test.each([
  [{ nmae: "x" }, "unknown field nmae"],
  [{ config: { authorised: true } }, "unknown field config.authorised"],
  [{ config: { authorized: "true" } }, "config.authorized must be a boolean"],
  [{ config: { ipAssignments: ["10.1"] } }, "config.ipAssignments must be"],
  [{ name: 5 }, "name must be a string"],
  ["{", "not valid JSON"],
  [[], "must be an object"],
])("the member body %j is refused", async (body, message) => {
  const { status, body: answer } = await call("POST", member, body);
  expect(status).toBe(400);
  if (message !== "not valid JSON") expect(answer.message).toContain(message);
  expect(zerotier.list()[0]!.members).toEqual([]);
});

test("a network is made bare or with settings, changed in part, and deleted", async () => {
  const bare = (await call("POST", "/network", {})).body;
  expect(bare).toMatchObject({ config: { private: true, v4AssignMode: { zt: false }, routes: [] } });
  const settings = { name: "n", mtu: 100, routes: [{ target: "10.1.0.0/24" }] };
  const made = (await call("POST", "/network", { description: "d", config: settings })).body;
  expect(made).toMatchObject({
    description: "d",
    config: { name: "n", mtu: 1280, routes: [{ target: "10.1.0.0/24", via: null }] },
  });
  await call("POST", `/network/${made.id}`, { config: { private: false } });
  expect((await call("GET", `/network/${made.id}`)).body.config).toMatchObject({ name: "n", private: false });
  expect((await call("POST", `/network/${made.id}`, { config: { routes: [{ target: "x" }] } })).status).toBe(
    400,
  );
  expect((await call("DELETE", `/network/${made.id}`)).status).toBe(200);
  expect((await call("GET", `/network/${made.id}`)).status).toBe(404);
  expect(effects()).toEqual([
    `create network ${bare.id}`,
    "create network n",
    "update network n",
    "delete network n",
  ]);
});

test("the twenty-first call within a second is one too many", async () => {
  const answers = await Promise.all(Array.from({ length: 25 }, () => call("GET", "/network")));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(5);
});

describe("the official description of the API", () => {
  if (!existsSync(specFile)) console.warn(`SKIPPED: ${specFile.pathname} is not there`);

  test.skipIf(!existsSync(specFile))("fits every answer", async () => {
    const spec = JSON.parse(readFileSync(specFile, "utf8"));
    const ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema({ ...(toJsonSchema(spec) as object), $id: "spec" });
    const fits = (schema: unknown, value: unknown) => {
      const validate = ajv.compile(rebase(toJsonSchema(schema)) as object);
      validate(value);
      expect(validate.errors ?? []).toEqual([]);
    };
    const answerOf = (method: string, path: string) =>
      spec.paths[path][method].responses["200"].content["application/json"].schema;

    await call("POST", member, { name: "n1", config: { authorized: true, tags: [[1, 2]] } });
    const cases: [string, string, string, unknown?][] = [
      ["get", "/network", "/network"],
      ["post", "/network", "/network", {}],
      ["get", "/network/{networkID}", "/network/8056c2e21c000001"],
      ["post", "/network/{networkID}", "/network/8056c2e21c000001", { config: { mtu: 1400 } }],
      ["get", "/network/{networkID}/member", "/network/8056c2e21c000001/member"],
      ["get", "/network/{networkID}/member/{memberID}", member],
      ["post", "/network/{networkID}/member/{memberID}", member, { name: "n2" }],
      ["get", "/status", "/status"],
    ];
    for (const [method, template, path, body] of cases) {
      const { status, body: answer } = await call(method.toUpperCase(), path, body);
      expect([template, status]).toEqual([template, 200]);
      fits(answerOf(method, template), answer);
    }
  });
});

/** OpenAPI 3.0 as JSON Schema: `nullable` becomes a type, also beside a reference. */
function toJsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toJsonSchema);
  if (typeof value !== "object" || value === null) return value;
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, toJsonSchema(inner)]),
  );
  return nullable ? { anyOf: [rest, { type: "null" }] } : rest;
}

function rebase(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"#/', '"spec#/'));
}
