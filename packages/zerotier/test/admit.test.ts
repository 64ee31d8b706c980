import { MulticloudError } from "@multicloud/core/plugin";
import { afterEach, beforeEach, expect, test } from "vitest";
import { interfaceName, type ZeroTierOptions, zerotier } from "../src/index.js";
import { callOf } from "./call.js";
import { createLab, type FakeNode, type Lab } from "./fake-node.js";

const network = "8056c2e21c000001";
const ready = { id: network, interfaceName: interfaceName(network), cidr: "10.147.0.0/16" };
let lab: Lab;

beforeEach(async () => {
  lab = await createLab();
});
afterEach(() => lab.close());

function overlayOf(options: Partial<ZeroTierOptions> = {}) {
  return zerotier({ network, token: lab.zerotier.token, baseURL: lab.zerotier.url, ...options });
}
const writes = () => lab.zerotier.calls.filter(({ method }) => method !== "GET");
const members = () => lab.zerotier.list()[0]!.members;

async function nodeOn(name: string): Promise<FakeNode> {
  const node = lab.node(name);
  await node.install();
  return node;
}

/** What Central's owner would do in the web page. */
async function byHand(nodeId: string, body: unknown): Promise<void> {
  await fetch(`${lab.zerotier.url}/network/${network}/member/${nodeId}`, {
    method: "POST",
    headers: { authorization: `token ${lab.zerotier.token}` },
    body: JSON.stringify(body),
  });
}

async function failureOf(promise: Promise<unknown>): Promise<MulticloudError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!MulticloudError.isInstance(error)) throw new Error(`no MulticloudError but ${String(error)}`);
  return error;
}

test("a new node is in after two round trips and one write, a known one after one and none", async () => {
  const node = await nodeOn("home-worker-1");
  const overlay = overlayOf();
  const { context } = callOf("c1");
  const found = (await overlay.find(context))!;
  expect(found).toEqual(ready);

  const admitted = await overlay.admit(context, found, node);
  expect(admitted.address).toMatch(/^10\.147\./);
  expect(admitted.interfaceName).toBe(interfaceName(network));
  expect([...node.interfaces.get(admitted.interfaceName)!]).toEqual([admitted.address]);
  expect(node.execs).toHaveLength(2);
  expect(node.execs.every(({ sudo }) => sudo)).toBe(true);
  expect(writes()).toHaveLength(1);
  expect(members()[0]).toMatchObject({
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

test("sixty nodes at once cost one list call a second and one write each", async () => {
  await lab.close();
  lab = await createLab({ requestsPerSecond: 1000 });
  const nodes = await Promise.all(Array.from({ length: 60 }, (_, n) => nodeOn(`worker-${n + 1}`)));
  const overlay = overlayOf({ requestsPerSecond: 1000 });
  const { context } = callOf("c1");
  const started = Date.now();
  const admitted = await Promise.all(nodes.map((node) => overlay.admit(context, ready, node)));
  const seconds = Math.ceil((Date.now() - started) / 1000);
  expect(new Set(admitted.map(({ address }) => address)).size).toBe(60);
  // One list serves all who ask within a second; this machine may be slow.
  expect(lab.zerotier.calls.filter(({ method }) => method === "GET").length).toBeLessThanOrEqual(seconds);
  expect(writes()).toHaveLength(60);
});

test("a request beyond the service's rate limit is sent again", async () => {
  const node = await nodeOn("home-worker-1");
  lab.world.faults.add({ service: "zerotier", status: 429, times: 2 });
  const { context, reports } = callOf("c1");
  await overlayOf().admit(context, ready, node);
  expect(reports.filter(({ type }) => type === "retry")).toHaveLength(2);
});

test("two clusters on one network do not touch each other's members", async () => {
  const one = await nodeOn("worker-1");
  const two = lab.node("other-worker-1");
  await two.install();
  const first = callOf("c1").context;
  const second = callOf("c2").context;
  const overlay = overlayOf();
  const inFirst = await overlay.admit(first, ready, one);
  // The same node name in the other cluster is no clash.
  const inSecond = await overlay.admit(second, ready, { name: "worker-1", host: two.host });
  expect((await overlay.members(first)).map(({ id }) => id)).toEqual([inFirst.memberId]);
  expect((await overlay.members(second)).map(({ id }) => id)).toEqual([inSecond.memberId]);

  await overlay.remove(second, await overlay.members(first));
  expect(await overlay.members(first)).toHaveLength(1);

  const error = await failureOf(overlay.admit(second, ready, one));
  expect(error.code).toBe("CONFLICT");
  expect(error.message).toContain("cluster c1");
});

test("a member that a person let in is used and never changed", async () => {
  const node = await nodeOn("laptop");
  await node.shell(`zerotier-cli join ${network}`);
  const id = members()[0]!.nodeId;
  await byHand(id, { name: "my laptop", description: "mine", config: { authorized: true } });
  const before = members()[0];
  const { context } = callOf("c1");
  const overlay = overlayOf();
  const count = writes().length;
  const admitted = await overlay.admit(context, ready, node);
  expect(admitted.memberId).toBe(id);
  expect(await overlay.members(context)).toEqual([]);
  await overlay.remove(context, [{ id, node: "laptop" }]);
  expect(writes()).toHaveLength(count);
  expect(members()[0]).toEqual({ ...before, lastSeen: members()[0]!.lastSeen });
});

test("what a person wrote about an unauthorised member is kept", async () => {
  const node = await nodeOn("worker-1");
  await node.shell(`zerotier-cli join ${network}`);
  await byHand(members()[0]!.nodeId, { description: "rack 4" });
  await overlayOf().admit(callOf("c1").context, ready, node);
  expect(members()[0]!.description).toBe("rack 4 multicloud:c1");
});

test("the member of an earlier machine of the same name is put out", async () => {
  const { context } = callOf("c1");
  const overlay = overlayOf();
  const old = await nodeOn("worker-1");
  const before = await overlay.admit(context, ready, old);
  old.powerOff();
  const replacement = lab.node("replacement");
  await replacement.install();
  const after = await overlay.admit(context, ready, { name: "worker-1", host: replacement.host });
  expect(after.memberId).not.toBe(before.memberId);
  expect(await overlay.members(context)).toEqual([
    { id: after.memberId, node: "worker-1", address: after.address },
  ]);
});

test("a removed member is shut out first, so that a node which is alive stays out", async () => {
  const { context } = callOf("c1");
  const overlay = overlayOf();
  const node = await nodeOn("worker-1");
  const { memberId } = await overlay.admit(context, ready, node);
  await overlay.remove(context, await overlay.members(context));
  expect(await overlay.members(context)).toEqual([]);
  const state = await node.shell("zerotier-cli get 8056c2e21c000001 status");
  expect(state.stdout).toBe("ACCESS_DENIED\n");
  // The live node asked again and is an unauthorised stranger now, as with the real controller.
  expect(members()).toMatchObject([{ nodeId: memberId, authorized: false, name: "", description: "" }]);
  const count = writes().length;
  await overlay.remove(context, [{ id: memberId, node: "worker-1" }]);
  expect(writes()).toHaveLength(count);
});

test("a removal that was cut off between its two calls is finished by the next", async () => {
  const { context } = callOf("c1");
  const node = await nodeOn("worker-1");
  const overlay = overlayOf();
  await overlay.admit(context, ready, node);
  node.powerOff();
  await node.stop();
  lab.world.faults.add({ service: "zerotier", method: "DELETE", status: 400 });
  await failureOf(overlay.remove(context, await overlay.members(context)));
  expect(members()[0]!.authorized).toBe(false);
  await overlayOf().remove(context, await overlayOf().members(context));
  expect(members()).toEqual([]);
});

test("a member that somebody shut out is let in again", async () => {
  const { context } = callOf("c1");
  const overlay = overlayOf();
  const node = await nodeOn("worker-1");
  const { memberId } = await overlay.admit(context, ready, node);
  await byHand(memberId, { config: { authorized: false } });
  // The same overlay still holds the list in which the member was authorised.
  expect((await overlay.admit(context, ready, node)).memberId).toBe(memberId);
});

test("an address that ZeroTier reports but the interface lacks is repaired", async () => {
  await lab.close();
  lab = await createLab({ scale: 0.05 });
  const { context } = callOf("c1");
  const overlay = overlayOf();
  const node = await nodeOn("worker-1");
  const { address } = await overlay.admit(context, ready, node);
  await node.shell(`zerotier-cli set ${network} allowManaged=0; zerotier-cli set ${network} allowManaged=1`);
  expect([...node.interfaces.get(ready.interfaceName)!]).toEqual([]);
  expect(await overlay.admit(context, ready, node)).toMatchObject({ address });
  expect([...node.interfaces.get(ready.interfaceName)!]).toEqual([address]);
});

test("a node with another interface name is refused before it is let in", async () => {
  const node = lab.node("worker-1");
  node.write("/var/lib/zerotier-one/devicemap", `${network}=zt0\n`);
  await node.install();
  const error = await failureOf(overlayOf().admit(callOf("c1").context, ready, node));
  expect(error.code).toBe("OVERLAY_FAILED");
  expect(error.message).toContain(`zt0, not ${ready.interfaceName}`);
  expect(error.hint).toContain("devicemap");
  expect(writes()).toEqual([]);
});

test("a node without ZeroTier and one whose daemon is down say so", async () => {
  const bare = lab.node("bare");
  const error = await failureOf(overlayOf().admit(callOf("c1").context, ready, bare));
  expect(error).toMatchObject({ code: "OVERLAY_FAILED", node: "bare" });
  expect(error.message).toContain("zerotier-cli: not found");

  const down = await nodeOn("down");
  await down.stop();
  const stopped = await failureOf(overlayOf().admit(callOf("c1").context, ready, down));
  expect(stopped.message).toContain("Error connecting to the ZeroTier service");
});

test("a node that is not on the network yet joins it", async () => {
  const node = await nodeOn("worker-1");
  await node.shell(`zerotier-cli leave ${network}`);
  await overlayOf().admit(callOf("c1").context, ready, node);
  expect((await node.shell(`zerotier-cli get ${network} status`)).stdout).toBe("OK\n");
});

test("states that do not become OK end with what they mean", async () => {
  const node = await nodeOn("worker-1");
  const { context } = callOf("c1");
  const overlay = overlayOf({ admitTimeoutMs: 1000 });

  const unknown = { id: "8056c2e21c00dead", interfaceName: interfaceName("8056c2e21c00dead") };
  expect(await failureOf(overlay.admit(context, unknown, node))).toMatchObject({ code: "NOT_FOUND" });

  lab.zerotier.createNetwork({ id: "8056c2e21c000002", v4: true });
  const bare = { id: "8056c2e21c000002", interfaceName: interfaceName("8056c2e21c000002") };
  const noRoute = await failureOf(overlay.admit(context, bare, node));
  expect(noRoute.message).toContain("has no IPv4 address");
  expect(noRoute.hint).toContain("pool");
});

test("a node that stays refused ends in an error that says so", async () => {
  const node = await nodeOn("worker-1");
  // Somebody else takes each authorisation back at once.
  lab.world.effects.listen(async ({ action }) => {
    const [member] = members();
    if (action === "update" && member?.authorized)
      await byHand(member.nodeId, { config: { authorized: false } });
  });
  const error = await failureOf(overlayOf({ admitTimeoutMs: 1000 }).admit(callOf("c1").context, ready, node));
  expect(error.code).toBe("OVERLAY_FAILED");
  expect(error.message).toContain("ACCESS_DENIED");
});

test("an abort ends the wait with its reason", async () => {
  const node = await nodeOn("worker-1");
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  await expect(overlayOf().admit(callOf("c1", stop.signal).context, ready, node)).rejects.toThrow("enough");
});

test("a fixed address is given instead of one from the pool", async () => {
  const node = await nodeOn("worker-1");
  const overlay = overlayOf({ addresses: { "worker-1": "10.147.1.5" } });
  const { context } = callOf("c1");
  expect((await overlay.admit(context, ready, node)).address).toBe("10.147.1.5");
  const count = writes().length;
  await overlay.admit(context, ready, node);
  expect(writes()).toHaveLength(count);
});

test("the token is in no error and no report", async () => {
  const node = await nodeOn("worker-1");
  const secret = "wrong-but-secret-token-0123456789";
  const { context, reports } = callOf("c1");
  const error = await failureOf(overlayOf({ token: ` ${secret}\n` }).admit(context, ready, node));
  expect(error.code).toBe("AUTH_FAILED");
  expect(error.hint).toContain("ZEROTIER_CENTRAL_TOKEN");
  const said = JSON.stringify([error, error.message, error.stack, String(error.cause), reports]);
  expect(said).not.toContain(secret);
  const execs = JSON.stringify(node.execs);
  expect(execs).not.toContain(secret);
});
