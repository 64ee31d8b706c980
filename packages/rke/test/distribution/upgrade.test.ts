import { afterEach, expect, test } from "vitest";
import { k3s } from "../../src/index.js";
import { errorOf, type Fixture, quick, setUp } from "./fixture.js";

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

const names = ["lab-a-master-1", "lab-b-master-1", "lab-c-master-1", "lab-a-worker-1", "lab-b-worker-1"];
const older = k3s({ ...quick, version: "v1.35.5+k3s1" });
const newer = k3s({ ...quick, version: "v1.35.6+k3s1" });

const versions = (lab: Fixture) =>
  new Set(
    lab
      .cluster()
      .kubernetes.objects("Node")
      .map(({ status }) => (status as { nodeInfo: { kubeletVersion: string } }).nodeInfo.kubeletVersion),
  );
const cordoned = (lab: Fixture) =>
  lab
    .cluster()
    .kubernetes.objects("Node")
    .filter(({ spec }) => (spec as { unschedulable?: boolean }).unschedulable === true)
    .map(({ metadata }) => metadata.name);

test("server by server, then worker by worker with their pods moved away and back allowed", async () => {
  const lab = await setUp(older, names);
  fixture = lab;
  await lab.up();
  const effects = lab.world.effects.all.length;
  const seen: string[][] = [];
  const stop = lab.world.effects.listen(({ kind, action, name }) => {
    if (kind === "service" && action === "run") seen.push([name, ...cordoned(lab)]);
  });
  expect((await newer.up(lab.context(), lab.nodes)).changed).toBe(true);
  stop();
  expect(seen).toEqual([
    ["lab-a-master-1:k3s"],
    ["lab-b-master-1:k3s"],
    ["lab-c-master-1:k3s"],
    ["lab-a-worker-1:k3s-agent", "lab-a-worker-1"],
    ["lab-b-worker-1:k3s-agent", "lab-b-worker-1"],
  ]);
  expect(versions(lab)).toEqual(new Set(["v1.35.6+k3s1"]));
  expect(cordoned(lab)).toEqual([]);
  expect(lab.effectsSince(effects).length).toBeGreaterThan(0);
  const after = lab.world.effects.all.length;
  expect((await newer.up(lab.context(), lab.nodes)).changed).toBe(false);
  expect(lab.effectsSince(after)).toEqual([]);
});

test("an upgrade that was cut off gives the drained worker its pods back; who was cordoned by somebody stays so", async () => {
  const lab = await setUp(older, names);
  fixture = lab;
  await lab.up();
  const { kubernetes } = lab.cluster();
  kubernetes.modify({ apiVersion: "v1", kind: "Node", name: "lab-b-worker-1" }, (draft) => {
    draft.spec = { ...draft.spec, unschedulable: true };
  });
  const killed = new AbortController();
  const stop = lab.world.effects.listen(({ name }) => {
    if (name === "lab-a-worker-1:k3s-agent") killed.abort(new Error("killed"));
  });
  const cutOff = newer.up(lab.context({ signal: killed.signal }), lab.nodes);
  await expect(cutOff).rejects.toThrow("killed");
  stop();
  expect(cordoned(lab)).toContain("lab-a-worker-1");
  await newer.up(lab.context(), lab.nodes);
  expect(versions(lab)).toEqual(new Set(["v1.35.6+k3s1"]));
  expect(cordoned(lab)).toEqual(["lab-b-worker-1"]);
});

test("going back and skipping a minor version are refused before anything is done, unless forced", async () => {
  const lab = await setUp(k3s({ ...quick, version: "v1.34.6+k3s1" }), names.slice(0, 1));
  fixture = lab;
  await lab.up();
  const effects = lab.world.effects.all.length;
  const to = (version: string, force = false) =>
    k3s({ ...quick, version, upgrade: { force } }).up(lab.context(), lab.nodes);
  expect((await errorOf(to("v1.36.2+k3s1"))).hint).toMatch(/v1\.35 first/);
  expect((await errorOf(to("v1.33.4+k3s1"))).message).toMatch(/older than the v1\.34\.6\+k3s1/);
  expect(lab.effectsSince(effects)).toEqual([]);
  await to("v1.36.2+k3s1", true);
  expect(versions(lab)).toEqual(new Set(["v1.36.2+k3s1"]));
});
