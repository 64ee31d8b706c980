import type { CallContext, SiteContext } from "@multicloud/core/plugin";
import { generateKeyPair } from "@multicloud/ssh";
import { expect, test } from "vitest";
import { type HaproxyGatewayOptions, haproxyGateway } from "../src/index.js";

const { publicKey: hostKey } = await generateKeyPair("gateway");
let dialled = 0;
const context: SiteContext = {
  cluster: "lab",
  site: "home",
  signal: new AbortController().signal,
  dialer: (() => {
    dialled += 1;
    return Promise.reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
  }) as CallContext["dialer"],
  report: () => {},
};
const host = { host: "192.0.2.1", user: "debian", hostKey, agentSocket: "/nowhere" };

test("all that is wrong with the options is told at once, and nobody is asked", async () => {
  const gateway = haproxyGateway({
    host: { host: "", user: "debian", hostKey: "?", usr: "x", jump: { host: "j", user: "", hostKey } },
    publicAddress: "home.example.com",
    workerPorts: { http: 0 },
    statsPort: 443,
    sources: ["ftp://x"],
    takeover: true,
  } as unknown as HaproxyGatewayOptions);
  const { problems } = await gateway.check(context);
  expect(problems.map(({ path }) => path).sort()).toEqual(
    [
      "host.host",
      "host.hostKey",
      "host.jump.user",
      "host.usr",
      "publicAddress",
      "sources[0]",
      "statsPort",
      "takeover",
      "workerPorts.http",
    ].sort(),
  );
  expect(problems.find(({ path }) => path === "takeover")).toMatchObject({ suggestion: "takeOver" });
  await expect(gateway.ensure(context, [])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  expect(dialled).toBe(0);
});

test("an address that is given is not asked for; one source alone is not believed", async () => {
  expect(await haproxyGateway({ host, publicAddress: "203.0.113.7" }).publicAddress(context)).toBe(
    "203.0.113.7",
  );
  const sources = ["https://one.example/"];
  const { problems } = await haproxyGateway({ host, publicAddress: "auto", sources }).check(context);
  expect(problems).toMatchObject([{ path: "sources" }]);
  expect(dialled).toBe(0);
});

test("a machine that cannot be reached is named, with what to try", async () => {
  await expect(haproxyGateway({ host, publicAddress: "203.0.113.7" }).check(context)).rejects.toMatchObject({
    code: "HOST_UNREACHABLE",
    site: "home",
    message: expect.stringContaining("192.0.2.1"),
    hint: expect.stringContaining("host.port"),
  });
});

test("one machine, that is there or that is to be made: both or none are told", async () => {
  const machine = { size: "g1.small", image: "debian-12" };
  const wrong = (options: object) =>
    haproxyGateway({ publicAddress: "203.0.113.7", ...options } as HaproxyGatewayOptions).check(context);
  expect((await wrong({ host, machine })).problems).toMatchObject([{ path: "machine" }]);
  expect((await wrong({})).problems).toMatchObject([
    { path: "host", hint: expect.stringContaining("machine: { size, image }") },
  ]);
  expect((await wrong({ machine: "g1.small" })).problems).toMatchObject([{ path: "machine" }]);
  // Before it is made there is nothing to look at.
  const gateway = haproxyGateway({ machine, publicAddress: "203.0.113.7" });
  expect(gateway.machine).toEqual(machine);
  expect(await gateway.check(context)).toEqual({ problems: [], warnings: [] });
  await expect(gateway.ensure(context, [])).rejects.toMatchObject({
    code: "PLUGIN_INCOMPATIBLE",
    hint: expect.stringContaining("upgrade @multicloud/core"),
  });
  expect(dialled).toBe(1);
});
