import { MulticloudError } from "@multicloud/core/plugin";
import { afterEach, beforeEach, expect, test } from "vitest";
import { interfaceName, type ZeroTierOptions, zerotier } from "../src/index.js";
import { callOf } from "./call.js";
import { createLab, type Lab } from "./fake-node.js";

const create = { cidr: "10.9.0.0/24", routes: [{ target: "192.168.1.0/24", via: "10.9.0.5" }], mtu: 1400 };
const { context } = callOf("c1");
let lab: Lab;

beforeEach(async () => {
  lab = await createLab({ networks: [{ id: "8056c2e21c0000aa", name: "a person's", cidr: "10.1.0.0/24" }] });
});
afterEach(() => lab.close());

function overlayOf(options: Partial<ZeroTierOptions> = {}) {
  return zerotier({ create, token: lab.zerotier.token, baseURL: lab.zerotier.url, ...options });
}
const effects = () => lab.world.effects.all.map(({ kind, action, name }) => `${action} ${kind} ${name}`);

test("a network is made with pool, route, MTU and mark in one request, and once only", async () => {
  const overlay = overlayOf();
  expect(await overlay.find(context)).toBeUndefined();
  expect(await overlay.members(context)).toEqual([]);
  const network = await overlay.ensure(context);
  expect(network).toEqual({
    id: network.id,
    interfaceName: interfaceName(network.id),
    cidr: "10.9.0.0/24",
  });
  expect(lab.zerotier.list().find(({ id }) => id === network.id)).toMatchObject({
    name: "c1",
    description: "multicloud:c1",
    private: true,
    v4: true,
    mtu: 1400,
    pools: [{ ipRangeStart: "10.9.0.1", ipRangeEnd: "10.9.0.254" }],
    routes: [
      { target: "10.9.0.0/24", via: null },
      { target: "192.168.1.0/24", via: "10.9.0.5" },
    ],
  });
  expect(await overlayOf().ensure(context)).toEqual(network);
  expect(await overlayOf().find(context)).toEqual(network);
  expect(effects()).toEqual(["create network c1"]);
});

test("a create whose answer got lost is found and not doubled", async () => {
  lab.world.faults.add({ service: "zerotier", method: "POST", path: /\/network$/, reset: "after" });
  const network = await overlayOf().ensure(context);
  expect(lab.zerotier.networks).toEqual(["8056c2e21c0000aa", network.id]);
  expect(effects()).toEqual(["create network c1"]);
});

test("settings that somebody changed are put right", async () => {
  const { id } = await overlayOf().ensure(context);
  await overlayOf({ create: { ...create, mtu: 2800 } }).ensure(context);
  expect(lab.zerotier.list().find((network) => network.id === id)!.mtu).toBe(2800);
  expect(effects()).toEqual(["create network c1", "update network c1"]);
});

test("destroy deletes the cluster's own network and no other", async () => {
  await overlayOf().ensure(callOf("c2").context);
  await overlayOf().ensure(context);
  await overlayOf({ create: undefined as never, network: "8056c2e21c0000aa" }).destroy(context);
  expect(lab.zerotier.networks).toHaveLength(3);
  await overlayOf().destroy(context);
  await overlayOf().destroy(context);
  expect(lab.zerotier.list().map(({ description }) => description)).toEqual(["", "multicloud:c2"]);
});

test("a given network that is not there is an error that says so", async () => {
  const overlay = overlayOf({ create: undefined as never, network: "8056c2e21c0000bb" });
  await expect(overlay.ensure(context)).rejects.toSatisfy(
    (error) => MulticloudError.isInstance(error) && error.code === "NOT_FOUND",
  );
});
