import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ControllerKind, zerotier } from "../src/index.js";
import { callOf } from "./call.js";
import { createLab, type Lab } from "./fake-node.js";

const kinds: ControllerKind[] = ["central", "central-v2", "self-hosted"];

describe.each(kinds)("controller %s", (controller) => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await createLab({ networks: [], requestsPerSecond: 1000 });
  });
  afterEach(() => lab.close());

  function overlayOf(token?: string) {
    return zerotier({
      create: { cidr: "10.9.0.0/24", mtu: 1400 },
      controller,
      requestsPerSecond: 1000,
      baseURL: controller === "central" ? lab.zerotier.url : lab.zerotier.origin,
      token: token ?? (controller === "self-hosted" ? lab.zerotier.controllerToken : lab.zerotier.token),
    });
  }
  const mutations = () => lab.zerotier.calls.filter(({ method }) => method !== "GET").length;

  test("a cluster comes, stays the same and goes", async () => {
    const { context } = callOf("c1");
    const overlay = overlayOf();
    expect(await overlay.check(context)).toEqual({ problems: [], warnings: [] });
    const network = await overlay.ensure(context);
    const node = lab.node("worker-1");
    await node.install();
    const admitted = await overlay.admit(context, network, node);
    expect(admitted.address).toMatch(/^10\.9\.0\./);
    expect(await overlay.members(context)).toEqual([
      { id: admitted.memberId, node: "worker-1", address: admitted.address },
    ]);

    const before = mutations();
    const again = overlayOf();
    expect(await again.ensure(context)).toEqual(network);
    expect(await again.admit(context, network, node)).toEqual(admitted);
    expect(mutations()).toBe(before);

    expect(await again.members(callOf("c2").context)).toEqual([]);
    await node.stop();
    await again.remove(context, await again.members(context));
    expect(lab.zerotier.list()[0]!.members).toEqual([]);
    await again.destroy(context);
    expect(lab.zerotier.networks).toEqual([]);
  });

  test("a node that the controller has heard of, and one that it has not, are both let in", async () => {
    const { context } = callOf("c1");
    const overlay = overlayOf();
    const network = await overlay.ensure(context);
    const seen = lab.node("seen");
    await seen.install();
    await seen.shell(`zerotier-cli join ${network.id}`);
    expect(lab.zerotier.list()[0]!.members).toHaveLength(1);
    expect((await overlay.admit(context, network, seen)).address).toMatch(/^10\.9\.0\./);
  });

  test("a wrong token is a problem of the token", async () => {
    const { problems } = await overlayOf("wrong0token0wrong0token").check(callOf("c1").context);
    expect(problems).toMatchObject([{ path: "token" }]);
  });
});
