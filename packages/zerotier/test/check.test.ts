import { afterEach, beforeEach, expect, test } from "vitest";
import { type ZeroTierOptions, zerotier } from "../src/index.js";
import { callOf } from "./call.js";
import { createLab, type Lab } from "./fake-node.js";

const network = "8056c2e21c000001";
let lab: Lab;

beforeEach(async () => {
  lab = await createLab({
    networks: [
      { id: network, name: "fleet", cidr: "10.147.0.0/16" },
      { id: "8056c2e21c000666", name: "theirs", foreign: true },
    ],
  });
});
afterEach(async () => {
  delete process.env.ZEROTIER_CENTRAL_TOKEN;
  delete process.env.ZEROTIER_CENTRAL_URL;
  await lab.close();
});

async function check(options: ZeroTierOptions) {
  const overlay = zerotier({ token: lab.zerotier.token, baseURL: lab.zerotier.url, ...options });
  return await overlay.check(callOf("c1").context);
}
const pathsOf = (result: { problems: readonly { path: string }[] }) =>
  result.problems.map(({ path }) => path);

test("a right configuration has no problems and costs reads only", async () => {
  expect(await check({ network })).toEqual({ problems: [], warnings: [] });
  expect(await check({ create: { cidr: "10.9.0.0/24" } })).toEqual({ problems: [], warnings: [] });
  expect(lab.zerotier.calls.every(({ method }) => method === "GET")).toBe(true);
});

test("token and address come from the environment, trimmed, when they are first needed", async () => {
  const overlay = zerotier({ network });
  process.env.ZEROTIER_CENTRAL_TOKEN = ` ${lab.zerotier.token}\n`;
  process.env.ZEROTIER_CENTRAL_URL = lab.zerotier.url;
  expect((await overlay.check(callOf("c1").context)).problems).toEqual([]);
});

test("no token and a wrong token are told apart", async () => {
  const none = await check({ network, token: " " });
  expect(none.problems).toMatchObject([{ path: "token", message: "no API token is given" }]);
  const wrong = await check({ network, token: "nonsense" });
  expect(wrong.problems).toMatchObject([{ path: "token" }]);
  expect(wrong.problems[0]!.message).toContain("refuses");
});

test("an unknown network is shown with the nearest one; one of somebody else counts as unknown", async () => {
  const typo = await check({ network: "8056c2e21c000002" });
  expect(typo.problems).toMatchObject([
    { path: "network", suggestion: network, allowed: [`${network} (fleet)`] },
  ]);
  expect(pathsOf(await check({ network: "8056c2e21c000666" }))).toEqual(["network"]);
});

test("a name or a badly written id is answered with the id", async () => {
  expect((await check({ network: "fleet" })).problems).toMatchObject([
    { path: "network", given: "fleet", suggestion: network },
  ]);
  expect((await check({ network: network.toUpperCase() })).problems).toMatchObject([{ suggestion: network }]);
});

test("all that keeps nodes from an address is listed at once", async () => {
  lab.zerotier.createNetwork({
    id: "8056c2e21c000003",
    private: false,
    v4: false,
    routes: [{ target: "10.1.0.0/24", via: null }],
    pools: [{ ipRangeStart: "10.2.0.1", ipRangeEnd: "10.2.0.9" }],
  });
  const { problems } = await check({ network: "8056c2e21c000003" });
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringContaining("public"),
    expect.stringContaining("v4AssignMode.zt is off"),
    expect.stringContaining("10.2.0.1 to 10.2.0.9"),
  ]);
  lab.zerotier.createNetwork({ id: "8056c2e21c000004", v4: true });
  expect((await check({ network: "8056c2e21c000004" })).problems.map(({ message }) => message)).toEqual([
    expect.stringContaining("no IPv4 route"),
    expect.stringContaining("no pool"),
  ]);
});

test("bad options are listed together, each with its path", async () => {
  const result = await check({
    network: "nonsense",
    create: {
      name: "",
      cidr: "10.9.0.7/24",
      pool: { start: "10.9.0.20", end: "10.9.0.10" },
      routes: [{ target: "x", via: "y" }],
      mtu: 9,
    },
    controller: "central",
    addresses: { a: "b" },
    blacklist: ["10.0.0.0/33"],
    release: "Book worm",
    signingKey: "none",
    requestsPerSecond: 0,
    admitTimeoutMs: 1,
  });
  expect(pathsOf(result)).toEqual([
    "create",
    "network",
    "create.cidr",
    "create.pool",
    "create.routes[0].target",
    "create.routes[0].via",
    "create.mtu",
    "create.name",
    "addresses.a",
    "blacklist[0]",
    "release",
    "signingKey",
    "requestsPerSecond",
    "admitTimeoutMs",
  ]);
  expect(pathsOf(await check({}))).toEqual(["network"]);
  expect((await check({ network, controller: "centrl" as never })).problems).toMatchObject([
    { path: "controller", suggestion: "central" },
  ]);
});
