import { afterEach, expect, test, vi } from "vitest";
import { k3s, rke2 } from "../../src/index.js";
import { type Fixture, quick, setUp } from "./fixture.js";

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

const names = ["lab-a-master-1", "lab-b-master-1", "lab-a-worker-1"];

/** Runs until so many changes have been made, then stops as a killed process does: nothing is tidied up. */
async function cutOff(lab: Fixture, after: number): Promise<boolean> {
  const killed = new AbortController();
  let left = after;
  const stop = lab.world.effects.listen(() => {
    left -= 1;
    if (left === 0) killed.abort(new Error("killed"));
  });
  try {
    await lab.up(lab.nodes, { signal: killed.signal });
    return killed.signal.aborted;
  } catch (error) {
    if (!killed.signal.aborted) throw error;
    return true;
  } finally {
    stop();
  }
}

for (const [engine, points] of [
  [k3s(quick), [1, 4, 8, 11, 12, 13, 14, 20, 26, 31, 40]],
  [rke2(quick), [3, 12, 13, 22, 33]],
] as const) {
  test.each(points)(
    `${engine.name}: cut off after change %i, the next run ends with the one cluster`,
    async (point) => {
      const lab = await setUp(engine, names);
      fixture = lab;
      expect(await cutOff(lab, point)).toBe(true);
      await lab.up();
      expect([...lab.cluster().members.keys()].sort()).toEqual(names.slice(0, 2));
      expect(lab.nodeNames()).toEqual([...names].sort());
      const effects = lab.world.effects.all.length;
      expect((await lab.up()).changed).toBe(false);
      expect(lab.effectsSince(effects)).toEqual([]);
    },
  );
}

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
  "a changed configuration that was cut off after change %i still reaches every running service",
  async (point) => {
    const lab = await setUp(k3s(quick), names);
    fixture = lab;
    await lab.up();
    const changed = k3s({ ...quick, agent: { "kubelet-arg": ["max-pods=200"] } });
    const killed = new AbortController();
    let left = point;
    const stop = lab.world.effects.listen(() => {
      left -= 1;
      if (left === 0) killed.abort(new Error("killed"));
    });
    await changed.up(lab.context({ signal: killed.signal }), lab.nodes).catch(() => {});
    stop();
    expect(killed.signal.aborted).toBe(true);
    await changed.up(lab.context(), lab.nodes);
    for (const { name, role } of lab.nodes) {
      const journal = lab.distributions.journal(lab.machine(name), role === "master" ? "k3s" : "k3s-agent");
      expect(journal.filter((line) => line.includes("Starting")).length).toBeGreaterThanOrEqual(2);
    }
    expect((await changed.up(lab.context(), lab.nodes)).changed).toBe(false);
  },
);

test("cut off at the same place with the state lost as well, there is still one cluster", async () => {
  const lab = await setUp(k3s(quick), names);
  fixture = lab;
  await cutOff(lab, 24);
  await lab.loseState();
  await lab.up();
  expect(lab.cluster().members.size).toBe(2);
});

test("a reset that was cut off is gone on with", async () => {
  const lab = await setUp(k3s(quick), names);
  fixture = lab;
  await lab.up();
  const killed = new AbortController();
  let left = 6;
  const stop = lab.world.effects.listen(() => {
    left -= 1;
    if (left === 0) killed.abort(new Error("killed"));
  });
  await expect(lab.engine.reset(lab.context({ signal: killed.signal }), lab.nodes)).rejects.toThrow();
  stop();
  await lab.engine.reset(lab.context(), lab.nodes);
  for (const { name } of lab.nodes) {
    const left = lab
      .machine(name)
      .files.list()
      .filter(({ path }) => path.startsWith("/etc/rancher/"));
    expect(left).toEqual([]);
  }
});

test("machines that were all off form their cluster again by themselves, workers too", async () => {
  const lab = await setUp(k3s(quick), names);
  fixture = lab;
  await lab.up();
  for (const { name } of lab.nodes) lab.world.machines.stop(name);
  // The worker is back first, when there is nobody yet to join.
  for (const { name } of [...lab.nodes].reverse()) lab.world.machines.start(name);
  for (const { name, unit } of [
    { name: "lab-a-master-1", unit: "k3s" },
    { name: "lab-b-master-1", unit: "k3s" },
    { name: "lab-a-worker-1", unit: "k3s-agent" },
  ])
    await expect.poll(() => lab.machine(name).unitState(unit), { timeout: 10_000 }).toBe("active");
  lab.cluster();
});

test("a master that etcd let go while it was off joins again", async () => {
  const three = [...names, "lab-c-master-1"];
  const lab = await setUp(k3s(quick), three);
  fixture = lab;
  await lab.up();
  await lab.node("lab-a-master-1").host.exec("systemctl disable --now k3s", { sudo: true });
  lab.cluster().kubernetes.removeNode("lab-a-master-1");
  await lab.up();
  expect([...lab.cluster().members.keys()].sort()).toEqual([
    "lab-a-master-1",
    "lab-b-master-1",
    "lab-c-master-1",
  ]);
  expect((await lab.up()).changed).toBe(false);
});

test("a master whose service was stopped is started again", async () => {
  const lab = await setUp(k3s(quick), names);
  fixture = lab;
  await lab.up();
  await lab.node("lab-a-master-1").host.exec("systemctl disable --now k3s", { sudo: true });
  expect((await lab.up()).changed).toBe(true);
  expect(lab.machine("lab-a-master-1").unitState("k3s")).toBe("active");
  expect((await lab.up()).changed).toBe(false);
});

/** Aborts a run at an effect, which holds the script on the machine until it may go on (and then finds that its channel is gone). */
async function abortAt(lab: Fixture, effect: RegExp): Promise<() => void> {
  let goOn = () => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const aborted = new AbortController();
  const stop = lab.world.effects.listen(({ name }) => {
    if (!effect.test(name)) return;
    stop();
    aborted.abort(new Error("enough"));
    return held;
  });
  await expect(lab.up(lab.nodes, { signal: aborted.signal })).rejects.toThrow("enough");
  return goOn;
}

test("what an aborted run has left at work on a node is waited for", async () => {
  const lab = await setUp(k3s(quick), ["lab-a-master-1"]);
  fixture = lab;
  const goOn = await abortAt(lab, /multicloud-k3s\/.*sha256sum/);
  let waited = false;
  const sleep = lab.world.clock.sleep;
  vi.spyOn(lab.world.clock, "sleep").mockImplementation((...call) => {
    // What flock waits for at a time.
    if (call[0] === 60_000) {
      waited = true;
      goOn();
    }
    return sleep(...call);
  });
  await lab.up().finally(goOn);
  expect(waited).toBe(true);
});

test("downloads that a run left which was cut off right after it had installed are removed, and nothing is restarted", async () => {
  const lab = await setUp(k3s(quick), ["lab-a-master-1"]);
  fixture = lab;
  await lab.up();
  const { files } = lab.machine("lab-a-master-1");
  files.write("/var/lib/rancher/multicloud-k3s/v1.35.6+k3s1/k3s", "#!sandbox");
  const effects = lab.world.effects.all.length;
  await lab.up();
  expect(lab.effectsSince(effects)).toEqual([
    "machine directory delete lab-a-master-1:/var/lib/rancher/multicloud-k3s",
  ]);
});
