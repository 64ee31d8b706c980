import { cloudflare } from "@multicloud/dns-cloudflare";
import { entrypointAgent } from "@multicloud/entrypoint-agent";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorOf, kubernetesOf, type Lab, openLab } from "./lab.js";

const shape = { home: [1, 1], ramnode: [0, 1] } as const;
let lab: Lab;

beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

function entrypoint() {
  const { env } = lab;
  const given = cloudflare({
    zone: lab.home.zone,
    record: "*.apps",
    token: env.CLOUDFLARE_API_TOKEN!,
    baseURL: env.CLOUDFLARE_BASE_URL!,
  });
  // Pods of the sandbox run nothing, and this test needs no build.
  return { ...given, inCluster: { ...given.inCluster!, program: async () => "" } };
}

test("an addon that left the configuration is removed with its record, and one that did not is not", async () => {
  const agent = entrypointAgent({ entrypoint: entrypoint(), program: " " });
  const open = { home: [0, 1], ramnode: [1, 1] } as const;
  const withAgent = lab.cluster(open, { entrypoint: entrypoint(), addons: [agent] } as never);
  const without = lab.cluster(open, { entrypoint: entrypoint() } as never);
  expect(await errorOf(without.removeAddon(agent))).toMatchObject({ code: "CONFIG_INVALID" });
  await withAgent.up();
  const objects = () =>
    kubernetesOf(lab, (api) =>
      api.list({ apiVersion: "apps/v1", kind: "DaemonSet", namespace: "multicloud-entrypoint" }),
    );
  expect(await objects()).toHaveLength(1);
  expect(lab.resolve("hello.apps.example.com")).toHaveLength(1);

  expect(await errorOf(withAgent.removeAddon(agent))).toMatchObject({
    code: "CONFIG_INVALID",
    message: "entrypoint-agent is in the configuration",
  });
  const { remove: _, ...keeps } = agent;
  expect(await errorOf(without.removeAddon(keeps))).toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining("no way to remove itself"),
  });
  await without.removeAddon(agent);
  expect(await objects()).toEqual([]);
  expect(lab.resolve("hello.apps.example.com")).toEqual([]);
  const effects = lab.effects.all.length;
  await without.removeAddon(agent);
  expect(lab.effectsSince(effects)).toEqual([]);
  await without.destroy();
});

test("up() with the agent, a second time without effect, and destroy() leaves no record that an agent made meanwhile", async () => {
  const agent = entrypointAgent({ entrypoint: entrypoint(), program: " " });
  const cluster = () => lab.cluster(shape, { entrypoint: entrypoint(), addons: [agent] } as never);
  await cluster().up();
  const before = lab.effects.all.length;
  await cluster().up();
  expect(lab.effectsSince(before)).toEqual([]);

  const context = {
    cluster: "lab",
    signal: new AbortController().signal,
    dialer: () => Promise.reject(new Error("nothing is dialled")),
    report: () => {},
  };
  let made = false;
  const unlisten = lab.effects.listen(async (effect) => {
    if (made || effect.kind !== "server" || effect.action !== "delete") return;
    made = true;
    await entrypoint().set(context, [lab.home.router]);
  });
  await cluster().destroy();
  unlisten();
  expect(made).toBe(true);
  expect(lab.resolve("hello.apps.example.com")).toEqual([]);
});
