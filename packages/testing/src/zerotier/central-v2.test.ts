import { existsSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createClock } from "../world/clock.js";
import { createEffects } from "../world/effects.js";
import { createFaults } from "../world/faults.js";
import { instantTiming } from "../world/timing.js";
import type { World } from "../world/world.js";
import { createZeroTier, type ZeroTierWorld } from "./zerotier.js";

// Rebuilt from a generated client, and not part of this repository.
const specFile = new URL(
  "../../../../../shared/specs/zerotier-central-v2.reconstructed.json",
  import.meta.url,
);
const id = "8056c2e21c000001";
const device = "0c1a47f380";
let zerotier: ZeroTierWorld;

beforeEach(async () => {
  zerotier = await createZeroTier({
    clock: createClock(0),
    effects: createEffects(),
    faults: createFaults(),
    timing: instantTiming,
    machines: { use() {} },
  } as unknown as World);
});
afterEach(() => zerotier.close());

async function call(method: string, path: string, body?: unknown, token = zerotier.token) {
  const response = await fetch(zerotier.origin + path, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

test("refusals carry a message", async () => {
  expect(await call("GET", "/api/v2/network", undefined, "wrong")).toMatchObject({
    status: 401,
    body: { message: "unauthorized" },
  });
  expect((await call("GET", "/api/v2/network/8056c2e21c00dead")).status).toBe(404);
  expect((await call("POST", `/api/v2/network/${id}/member`, [{ deviceId: "x" }])).status).toBe(400);
  expect((await call("POST", `/api/v2/network/${id}/member/${device}/authorize`)).status).toBe(404);
});

if (!existsSync(specFile)) console.warn(`SKIPPED: ${specFile.pathname} is not there`);

test.skipIf(!existsSync(specFile))("every answer fits the description of the API", async () => {
  const spec = JSON.parse(readFileSync(specFile, "utf8"));
  // Its text says "or null"; the generated client that it was rebuilt from lost that.
  spec.components.schemas.Route.properties.via.type = ["string", "null"];
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ ...spec, $id: "spec" });
  const cases: [method: string, template: string, path: string, body?: unknown][] = [
    ["get", "/api/v2/network-group", "/api/v2/network-group"],
    ["get", "/api/v2/network", "/api/v2/network"],
    ["get", "/api/v2/network/{id}", `/api/v2/network/${id}`],
    ["post", "/api/v2/network/{id}", `/api/v2/network/${id}`, { config: { mtu: 1400 } }],
    [
      "post",
      "/api/v2/network-group/{id}/network",
      "/api/v2/network-group/sandbox-group/network",
      { name: "n" },
    ],
    [
      "post",
      "/api/v2/network/{id}/member",
      `/api/v2/network/${id}/member`,
      [{ deviceId: device, name: "n1" }],
    ],
    ["get", "/api/v2/network/{id}/member", `/api/v2/network/${id}/member`],
    [
      "post",
      "/api/v2/network/{id}/member/{device-id}",
      `/api/v2/network/${id}/member/${device}`,
      { name: "n2" },
    ],
    [
      "post",
      "/api/v2/network/{id}/member/{device-id}/authorize",
      `/api/v2/network/${id}/member/${device}/authorize`,
    ],
    [
      "post",
      "/api/v2/network/{id}/member/de-authorize",
      `/api/v2/network/${id}/member/de-authorize`,
      [device],
    ],
    ["delete", "/api/v2/network/{id}/member", `/api/v2/network/${id}/member`, [{ deviceId: device }]],
    ["delete", "/api/v2/network/{id}", `/api/v2/network/${id}`],
  ];
  for (const [method, template, path, body] of cases) {
    const { status, body: answer } = await call(method.toUpperCase(), path, body);
    expect([template, status, answer]).toEqual([template, 200, answer]);
    const answers = spec.paths[template][method].responses["200"];
    const schema = JSON.stringify(answers.content?.["application/json"]?.schema ?? answers);
    const validate = ajv.compile(JSON.parse(schema.replaceAll('"#/', '"spec#/')));
    validate(answer);
    expect([template, validate.errors ?? []]).toEqual([template, []]);
  }
});
