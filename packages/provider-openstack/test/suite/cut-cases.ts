import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Provider, SiteContext } from "@multicloud/core/plugin";
import { expect, it } from "vitest";
import { shared, small, withDisk } from "../sandbox.js";
import type { Bench } from "./bench.js";
import { watchFetch } from "./watch.js";

/** Runs that end in the middle, and what they leave. */
export function cutCases(bench: Bench): void {
  const { site, provider, until, settled, clean } = bench;

  it("is finished by the next run wherever a run was cut off", async () => {
    const requests = [withDisk("cut-home-worker-1"), small("cut-home-worker-2")];
    const context = site("cut");
    const run = async (call: SiteContext, own: Provider) => {
      await own.ensureShared(call, shared);
      for (const machine of requests) await own.create(call, [machine]);
    };
    const whole = watchFetch();
    await run(context, provider("home", { fetch: whole.fetch }));
    await settled(context);
    await clean(context);
    // The security group, its rules at once, the key pair, two servers.
    expect(whole.writes()).toBe(5);
    for (let step = 1; step <= whole.writes(); step++) {
      const controller = new AbortController();
      const { fetch } = watchFetch((n) => {
        if (n !== step) return;
        controller.abort(new Error("cut off"));
        throw controller.signal.reason;
      });
      const cut = run({ ...context, signal: controller.signal }, provider("home", { fetch }));
      await expect(cut).rejects.toThrow("cut off");
      await run(context, provider("home"));
      expect((await settled(context)).map((machine) => machine.name)).toEqual(
        requests.map((machine) => machine.name),
      );
      const left = await bench.home.leftovers();
      expect(left).toMatchObject({
        servers: ["cut-home-worker-1", "cut-home-worker-2"],
        securityGroups: ["multicloud-cut-home"],
        keypairs: ["multicloud-cut-home"],
      });
      expect([left.ports.length, left.volumes.length]).toEqual([2, 1]);
      await clean(context);
    }
  });

  it("is finished by the next run after a kill -9 in the middle", async () => {
    const context = site("kill");
    // The security group, its rules, the key pair, a port, a floating IP, a server; the next server is never asked for.
    expect(await killedRun(bench.cloud.cloudsFile, context, 6)).toBe("SIGKILL");
    const own = provider("home", { floatingIp: "internet" });
    const nodes = ["kill-home-worker-1", "kill-home-worker-2"];
    await own.ensureShared(context, shared);
    for (const node of nodes) await own.create(context, [small(node)]);
    const made = await until(
      () => own.list(context),
      (all) => all.every(({ status, publicAddress }) => status === "failed" || publicAddress !== undefined),
    );
    expect(made.map(({ name, status }) => ({ name, status }))).toEqual(
      nodes.map((name) => ({ name, status: "running" })),
    );
    const left = await bench.home.leftovers();
    expect(left).toMatchObject({ servers: nodes, ports: nodes });
    expect(left.floatingIps).toHaveLength(2);
    await clean(context);
    expect((await bench.home.leftovers()).floatingIps).toEqual([]);
  });

  it("takes away what was made for machines that then were not, and of those that others deleted", async () => {
    const context = site("left");
    const more = { floatingIp: "internet" };
    const own = provider("home", more);
    await own.ensureShared(context, shared);
    await own.create(context, [small("left-home-worker-1")]);
    await settled(context, own);
    // Cut off after the port, and after the floating IP; the next run wants neither machine.
    for (const step of [1, 2]) {
      const controller = new AbortController();
      const { fetch } = watchFetch((n) => {
        if (n !== step) return;
        controller.abort(new Error("cut off"));
        throw controller.signal.reason;
      });
      const cut = { ...context, signal: controller.signal };
      const making = provider("home", { ...more, fetch }).create(cut, [
        small(`left-home-worker-${step + 1}`),
      ]);
      await expect(making).rejects.toThrow("cut off");
    }
    const before = await bench.home.leftovers();
    expect(before.ports).toEqual([1, 2, 3].map((n) => `left-home-worker-${n}`));
    expect(before.floatingIps).toHaveLength(2);
    // Volumes that only their mark tells from somebody's of the same name.
    const project = "/volumes";
    const description = "multicloud cluster=left site=home node=left-home-worker-9";
    for (const volume of [
      { size: 1, name: "multicloud-left-home", description },
      { size: 1, name: "multicloud-left-home", description: "mine" },
    ]) {
      expect((await bench.home.call("volumev3", "POST", project, { body: { volume } })).status).toBe(202);
    }
    await until(
      () => bench.home.all("volumev3", "/volumes/detail", "volumes"),
      (all) => all.every(({ status }) => status === "available"),
    );

    await provider("home").ensureShared(context, shared);
    const after = await until(
      () => bench.home.leftovers(),
      ({ volumes }) => volumes.length < 2,
    );
    expect(after.ports).toEqual(["left-home-worker-1"]);
    expect(after.floatingIps).toHaveLength(1);
    const [mine] = await bench.home.all("volumev3", "/volumes/detail", "volumes");
    expect(mine).toMatchObject({ description: "mine" });

    const [machine] = await own.list(context);
    await bench.home.call("compute", "DELETE", `/servers/${machine!.id}`);
    await until(
      () => own.list(context),
      (all) => all.length === 0,
    );
    expect((await bench.home.leftovers()).ports).toEqual(["left-home-worker-1"]);
    await provider("home").ensureShared(context, shared);
    expect(await bench.home.leftovers()).toMatchObject({ ports: [], floatingIps: [] });
    await provider("home").deleteShared(context);
    expect((await bench.home.leftovers()).volumes).toEqual(["multicloud-left-home"]);
    await bench.home.call("volumev3", "DELETE", `${project}/${mine!.id}`);
  });
}

/** Another process makes two machines and is killed as soon as its `n`th change took effect. Gives the signal that ended it. */
async function killedRun(cloudsFile: string, context: SiteContext, n: number): Promise<string | null> {
  const script = fileURLToPath(new URL("killed-run.ts", import.meta.url));
  const args = [
    "--conditions=multicloud-source",
    "--import",
    "tsx",
    script,
    cloudsFile,
    context.cluster,
    String(n),
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [, signal] = await once(child, "exit");
  return signal;
}
