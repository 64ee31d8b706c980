import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { endLeftOverRun, noteRun } from "../src/run/left-over.js";
import { setUp } from "./fixture.js";

const names = ["lab-a-master-1", "lab-a-worker-1"];

/** Everything that is the same after every successful run. */
async function picture(lab: Awaited<ReturnType<typeof setUp>>, kubeconfig: string) {
  const api = await lab.context().kubernetes(kubeconfig);
  const containers = [...lab.machines].map(([name, { machine }]) => {
    const daemon = machine.attachments.get("docker") as {
      containers: Map<string, { name: string; status: string }>;
    };
    return [name, [...daemon.containers.values()].map((one) => `${one.name} ${one.status}`).sort()];
  });
  const files = [...lab.machines].map(([name, { disk }]) => [name, [...disk.keys()].sort()]);
  return { containers, files, nodes: (await api.nodes()).map(({ name, ready }) => [name, ready]).sort() };
}

test("cut off after any effect, the same call converges on the same cluster", async () => {
  const whole = await setUp({}, names);
  const { kubeconfig } = await whole.engine.up(whole.context(), whole.nodes);
  const wanted = await picture(whole, kubeconfig);
  const effects = [...whole.world.effects.all];
  await whole.close();
  expect(effects.length).toBeGreaterThan(15);

  // Every file, the certificates, the containers of the master and the end; one of several alike is enough.
  const seen = new Set<string>();
  const points = effects.filter(({ kind, name }) => {
    const key = kind === "container" ? `${kind} ${name.split("/")[1]}` : `${kind} ${name} ${seen.size}`;
    return !seen.has(key) && seen.add(key);
  });
  for (const { n } of points.filter((_, index) => index % 2 === 0 || index > points.length - 4)) {
    const lab = await setUp({}, names);
    const stop = new AbortController();
    const unlisten = lab.world.effects.listen((effect) => {
      if (effect.n === n) stop.abort(new Error("cut off"));
    });
    await expect(lab.engine.up(lab.context({ signal: stop.signal }), lab.nodes)).rejects.toThrow("cut off");
    unlisten();
    expect(lab.tool.running).toBe(0);
    const again = await lab.engine.up(lab.context(), lab.nodes);
    expect(await picture(lab, again.kubeconfig), `cut off after effect ${n}`).toEqual(wanted);
    expect(lab.clusters.size).toBe(1);
    await lab.close();
  }
});

test("cut off after any copy to a node, the next call completes the copies", async () => {
  for (const n of [1, 2, 3, 5]) {
    const lab = await setUp({}, names);
    const stop = new AbortController();
    let left = n;
    const nodes = lab.nodes.map((node) => ({
      ...node,
      host: {
        ...node.host,
        async writeFile(...args: Parameters<typeof node.host.writeFile>) {
          stop.signal.throwIfAborted();
          await node.host.writeFile(...args);
          left -= 1;
          if (left === 0) stop.abort(new Error("cut off"));
          stop.signal.throwIfAborted();
        },
      },
    }));
    await expect(lab.engine.up(lab.context({ signal: stop.signal }), nodes)).rejects.toThrow("cut off");
    await lab.engine.up(lab.context(), lab.nodes);
    const copies = [...lab.machines.values()].map(({ disk }) =>
      ["cluster.rkestate", "kube_config_cluster.yml", "applied.json"].map((name) =>
        disk.get(`/opt/rke/${name}`),
      ),
    );
    const local = await Promise.all(
      ["cluster.rkestate", "kube_config_cluster.yml", "applied.json"].map((name) => lab.engineFile(name)),
    );
    for (const copy of copies) expect(copy).toEqual(local);
    await lab.close();
  }
});

test("cut off when one node knows what was applied and the other does not, the next call completes the copies", async () => {
  const lab = await setUp({}, names);
  const stop = new AbortController();
  const nodes = lab.nodes.map((node, index) => ({
    ...node,
    host: {
      ...node.host,
      async writeFile(...args: Parameters<typeof node.host.writeFile>) {
        const last = args[0].endsWith("applied.json");
        if (last && index > 0) throw new Error("cut off");
        await node.host.writeFile(...args);
        if (last) stop.abort(new Error("cut off"));
      },
    },
  }));
  await expect(lab.engine.up(lab.context({ signal: stop.signal }), nodes)).rejects.toThrow();
  const runs = lab.runs();
  const again = await lab.engine.up(lab.context(), lab.nodes);
  expect(again.changed).toBe(true);
  expect(lab.runs()).toBe(runs);
  const local = await lab.engineFile("applied.json");
  for (const { disk } of lab.machines.values()) expect(disk.get("/opt/rke/applied.json")).toBe(local);
  await lab.close();
});

test("ends an rke that a killed process left behind, and no other process", async () => {
  const lab = await setUp({}, names);
  const { directory } = lab;
  const signal = AbortSignal.timeout(10_000);
  const start = (argument: string) =>
    spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", argument]);
  const ended = (child: ReturnType<typeof start>) => new Promise((resolve) => child.once("close", resolve));
  const ours = start(`${directory}/cluster.yml`);
  const other = start("/elsewhere/cluster.yml");
  const oursEnded = ended(ours);
  const otherEnded = ended(other);
  await noteRun(directory, ours.pid ?? 0);
  await endLeftOverRun(directory, signal);
  await oursEnded;
  expect(ours.signalCode).toBe("SIGTERM");
  await noteRun(directory, other.pid ?? 0);
  await endLeftOverRun(directory, signal);
  expect(other.signalCode).toBeNull();
  other.kill();
  await otherEnded;
  await lab.close();
});
