import { afterEach, expect, test } from "vitest";
import { interfaceName, type ZeroTierOptions, zerotier } from "../src/index.js";
import { callOf } from "./call.js";
import { createLab, type Lab } from "./fake-node.js";

const network = "8056c2e21c000001";
let lab: Lab;
afterEach(() => lab.close());

function overlayOf(options: Partial<ZeroTierOptions> = {}) {
  return zerotier({ network, token: lab.zerotier.token, baseURL: lab.zerotier.url, ...options });
}
const writes = () => lab.zerotier.calls.filter(({ method }) => method !== "GET");

test("a new node is in after two round trips and one write, a known one after one and none", async () => {
  lab = await createLab();
  const node = lab.node("home-worker-1");
  await node.install();
  const overlay = overlayOf();
  const { context } = callOf("c1");
  const found = (await overlay.find(context))!;
  expect(found).toEqual({ id: network, interfaceName: interfaceName(network), cidr: "10.147.0.0/16" });

  const admitted = await overlay.admit(context, found, node);
  expect(admitted.address).toMatch(/^10\.147\./);
  expect(admitted.interfaceName).toBe(interfaceName(network));
  expect([...node.interfaces.get(admitted.interfaceName)!]).toEqual([admitted.address]);
  expect(node.execs).toHaveLength(2);
  expect(node.execs.every(({ sudo }) => sudo)).toBe(true);
  expect(writes()).toHaveLength(1);
  expect(lab.zerotier.list()[0]!.members[0]).toMatchObject({
    nodeId: admitted.memberId,
    name: "home-worker-1",
    description: "multicloud:c1",
    authorized: true,
  });

  const again = overlayOf();
  expect(await again.admit(context, found, node)).toEqual(admitted);
  expect(node.execs).toHaveLength(3);
  expect(writes()).toHaveLength(1);
  expect(await again.members(context)).toEqual([
    { id: admitted.memberId, node: "home-worker-1", address: admitted.address },
  ]);
});
