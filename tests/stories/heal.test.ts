import type { Provider } from "@multicloud/core/plugin";
import { openstack } from "@multicloud/provider-openstack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorOf, eventsOf, type Lab, machineNames, openLab } from "./lab.js";

const shape = { ramnode: [1, 1], digitalocean: [0, 1] } as const;
const names = ["lab-digitalocean-worker-1", "lab-ramnode-master-1", "lab-ramnode-worker-1"];
const machineIds = () => new Map(lab.world.machines.all().map(({ spec }) => [spec.hostname, spec.id]));
const removeServer = (name: string) => {
  const cloud = lab.services.openstacks.find((one) => one.name === "ramnode")!;
  cloud.removeServer(cloud.list().servers.find((server) => server.name === name)!.id);
};

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

// One cluster is hurt from test to test.
test("a machine that its cloud cannot make is named, while the others are finished", async () => {
  lab.services.openstacks[1]!.failBuilds({
    message: "No valid host was found. There are not enough hosts available.",
  });
  const run = lab.cluster(shape).up();
  const events = await eventsOf(run);
  const error = await errorOf(run);
  expect(error).toMatchObject({ code: "MACHINE_FAILED", site: "ramnode" });
  expect(error.message).toContain("No valid host was found");
  expect(names).toContain(error.node);
  const joined = events.flatMap((event) =>
    event.type === "step-end" && event.ok && event.step.kind === "overlay" ? [event.step.node] : [],
  );
  expect(joined.sort()).toEqual(names.filter((name) => name !== error.node));
  expect(lab.effects.all.filter(({ service }) => service === "rke")).toEqual([]);
});

test("the next up() makes that machine again, and only that", async () => {
  const kept = machineIds();
  const { plan, nodes } = await lab.cluster(shape).up();
  expect(plan.counts).toEqual({ create: 0, replace: 1, delete: 0, keep: 2 });
  const [replaced] = plan.actions.filter(({ action }) => action === "replace");
  expect(replaced?.changes).toEqual([{ field: "failed", from: expect.stringContaining("No valid host") }]);
  expect(nodes.map(({ ready }) => ready)).toEqual([true, true, true]);
  for (const [name, id] of kept) expect(machineIds().get(name), name).toBe(id);
  expect((await lab.cluster(shape).plan()).unchanged).toBe(true);
});

test("a machine whose build fails for a reason that passes is made again in the same run, and no more than twice", async () => {
  const cloud = lab.services.openstacks.find((one) => one.name === "ramnode")!;
  const passing = "Build of instance 5f0ff5d9 aborted: MessagingTimeout: Timed out waiting for a reply";
  const since = lab.effects.all.length;
  removeServer("lab-ramnode-worker-1");
  cloud.failBuilds({ message: passing, times: 2 });
  const run = lab.cluster(shape).up();
  const events = await eventsOf(run);
  expect((await run).nodes.map(({ ready }) => ready)).toEqual([true, true, true]);
  expect(lab.effectsSince(since).filter((effect) => effect.includes("/nova"))).toEqual([
    "ramnode/nova server create lab-ramnode-worker-1",
    "ramnode/nova server delete lab-ramnode-worker-1",
    "ramnode/nova server create lab-ramnode-worker-1",
    "ramnode/nova server delete lab-ramnode-worker-1",
    "ramnode/nova server create lab-ramnode-worker-1",
  ]);
  expect(events.flatMap((event) => (event.type === "step-progress" ? [event.message] : []))).toContainEqual(
    expect.stringMatching(/build 2 of at most 3 failed: .*MessagingTimeout/),
  );

  removeServer("lab-ramnode-worker-1");
  cloud.failBuilds({ message: passing, times: 3 });
  expect(await errorOf(lab.cluster(shape).up())).toMatchObject({
    code: "MACHINE_FAILED",
    node: "lab-ramnode-worker-1",
  });
  await lab.cluster(shape).up();
  await nothingToDo();
});

test("a worker that was deleted behind our back is made again", async () => {
  const kept = machineIds();
  removeServer("lab-ramnode-worker-1");
  expect((await lab.cluster(shape).status()).nodes.map(({ machine }) => machine).sort()).toEqual([
    "missing",
    "running",
    "running",
  ]);
  const { plan, nodes } = await lab.cluster(shape).up();
  expect(plan.counts).toEqual({ create: 1, replace: 0, delete: 0, keep: 2 });
  expect(nodes.map(({ ready }) => ready)).toEqual([true, true, true]);
  for (const name of ["lab-ramnode-master-1", "lab-digitalocean-worker-1"])
    expect(machineIds().get(name)).toBe(kept.get(name));
  await nothingToDo();
});

test("when all servers of a site were deleted, master included, there is a cluster again", async () => {
  removeServer("lab-ramnode-worker-1");
  removeServer("lab-ramnode-master-1");
  const { plan, nodes } = await lab.cluster(shape).up();
  expect(plan.counts).toEqual({ create: 2, replace: 0, delete: 0, keep: 1 });
  expect(nodes.map(({ ready }) => ready)).toEqual([true, true, true]);
  expect(machineNames(lab)).toEqual(names);
  await nothingToDo();
});

test("a machine that somebody switched off is named at once", async () => {
  const provider = openstack({ cloud: "ramnode", cloudsFile: lab.env.OS_CLIENT_CONFIG_FILE! });
  const off: Provider = {
    ...provider,
    list: async (context) =>
      (await provider.list(context)).map((machine) =>
        machine.name === "lab-ramnode-worker-1" ? { ...machine, status: "stopped" } : machine,
      ),
  };
  const effects = lab.effects.all.length;
  const error = await errorOf(lab.cluster(shape, { site: { ramnode: { provider: off } } }).up());
  expect(error).toMatchObject({
    code: "HOST_UNREACHABLE",
    site: "ramnode",
    node: "lab-ramnode-worker-1",
    message: "lab-ramnode-worker-1 is switched off in its cloud",
  });
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("a service that fails now and then is asked again", async () => {
  for (const [service, method] of [
    ["ramnode/nova", "GET"],
    ["digitalocean", "GET"],
    ["zerotier", "GET"],
    ["cloudflare", "GET"],
  ] as const)
    lab.world.faults.add({ service, method, status: 503, headers: { "retry-after": "0" } });
  await nothingToDo();
});

async function nothingToDo(): Promise<void> {
  const effects = lab.effects.all.length;
  const { plan } = await lab.cluster(shape).up();
  expect(plan.unchanged).toBe(true);
  expect(lab.effectsSince(effects)).toEqual([]);
}
