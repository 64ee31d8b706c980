import type { CallContext, OverlayNetwork } from "@multicloud/core/plugin";
import { afterEach, beforeEach, expect, test } from "vitest";
import { interfaceName, zerotier } from "../src/index.js";
import { callOf } from "./call.js";
import { createLab, type FakeNode, type Lab } from "./fake-node.js";

const id = "8056c2e21c000001";
const network: OverlayNetwork = { id, interfaceName: interfaceName(id) };
const overlay = zerotier({ network: id, token: "not asked for" });
let lab: Lab;
let context: CallContext;
beforeEach(async () => {
  lab = await createLab();
  context = callOf("lab").context;
});
afterEach(() => lab.close());

async function boot(node: FakeNode): Promise<void> {
  const { files, commands } = overlay.boot(network);
  for (const { path, content } of files!) node.write(path, String(content));
  for (const { run, unless } of commands!) {
    if ((await node.shell(unless!)).exitCode !== 0) expect((await node.shell(run)).exitCode).toBe(0);
  }
}

const networksOf = async (node: FakeNode) =>
  (await node.shell("zerotier-cli listnetworks")).stdout
    .split("\n")
    .filter((line) => line.includes("listnetworks "));

test("a node leaves the network, and a second time costs nothing", async () => {
  const node = lab.node("worker-1");
  await node.install();
  await boot(node);
  expect(await networksOf(node)).toHaveLength(2);
  for (let times = 0; times < 2; times += 1) {
    await overlay.leave!(context, network, { name: node.name, host: node.host });
    expect(await networksOf(node)).toHaveLength(1);
    expect((await node.shell("ls /etc/multicloud")).stdout).toBe("");
    expect((await node.shell("cat /var/lib/zerotier-one/local.conf")).exitCode).not.toBe(0);
  }
  expect(node.execs.every(({ sudo }) => sudo)).toBe(true);
});

test("somebody's own settings come back, also after ours were changed in between", async () => {
  const own = '{"settings":{"primaryPort":9994}}\n';
  const node = lab.node("worker-1");
  await node.install();
  node.write("/var/lib/zerotier-one/local.conf", own);
  await boot(node);
  const [file] = overlay.boot(network).files!;
  node.write(file!.path, `${String(file!.content)}\n`);
  await node.shell(overlay.boot(network).commands![0]!.run);
  expect((await node.shell("cat /var/lib/zerotier-one/local.conf")).stdout).not.toBe(own);
  await overlay.leave!(context, network, { name: node.name, host: node.host });
  expect((await node.shell("cat /var/lib/zerotier-one/local.conf")).stdout).toBe(own);
});

test("a node without the package is left as it is", async () => {
  const node = lab.node("worker-1");
  await overlay.leave!(context, network, { name: node.name, host: node.host });
  expect(node.execs).toHaveLength(1);
});

test("a node that cannot be cleaned is named with what to do", async () => {
  const host = {
    ...lab.node("worker-1").host,
    exec: async () => ({ stdout: "", stderr: "rm: read-only file system\n", code: 1, signal: undefined }),
  };
  await expect(overlay.leave!(context, network, { name: "worker-1", host })).rejects.toMatchObject({
    code: "OVERLAY_FAILED",
    node: "worker-1",
    message: expect.stringContaining("read-only file system"),
  });
});
