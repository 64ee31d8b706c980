import { expect, it } from "vitest";
import { request, shape, shared, small, withDisk } from "../sandbox.js";
import { type Bench, failure } from "./bench.js";

/** What the cloud refuses, and what it cannot do. */
export function failureCases(bench: Bench): void {
  const { site, provider, until, settled, clean } = bench;

  it("says before it makes anything that the quota is too small, and what the cloud says after", async () => {
    const context = site("quota", "cellar");
    const own = provider("cellar");
    const names = [1, 2, 3, 4].map((n) => `quota-home-worker-${n}`);
    const machines = names.map((node) => shape(node, { disk: { sizeGiB: 10 } }));
    const { problems } = await own.check(context, { machines, toCreate: names });
    expect(problems.map(({ message }) => message).sort()).toEqual([
      "needs 4 instances / 8 vCPU / 16384 MiB RAM, quota leaves 2 / 4 / 8192",
      "needs 4 volumes / 40 GiB of volumes, quota leaves 1 / 20",
    ]);

    await own.ensureShared(context, shared);
    await own.create(context, [small(names[0]!)]);
    await own.create(context, [withDisk(names[1]!)]);
    expect(await failure(own.create(context, [small(names[2]!)]))).toMatchObject({
      code: "QUOTA_EXCEEDED",
      service: "nova",
      status: 403,
      node: names[2],
      message: expect.stringContaining(
        "Quota exceeded for instances: Requested 1, but already used 2 of 2 instances",
      ),
      requestId: expect.stringMatching(/^req-/),
    });
    const other = site("quota-more", "cellar");
    expect(await failure(own.ensureShared(other, shared))).toMatchObject({
      code: "QUOTA_EXCEEDED",
      service: "neutron",
      status: 409,
      message: expect.stringContaining("Quota exceeded for resources: ['security_group']"),
    });
    const firewall = Array.from({ length: 60 }, (_, n) => ({ protocol: "tcp" as const, port: 8000 + n }));
    const more = await own.check(other, {
      machines: [],
      toCreate: [],
    });
    expect(more.problems).toEqual([]);
    const tight = await own.check(other, {
      machines: [shape("quota-more-home-worker-1", { size: "g1.small" })],
      toCreate: [],
      firewall,
    });
    // Everywhere is a rule for IPv4 and one for IPv6, and each new group has two to let out.
    expect(tight.problems).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(
          /^needs 1 security groups \/ 122 security group rules, quota leaves 0 \/ \d\d$/,
        ),
      }),
    ]);
    const crowd = Array.from({ length: 501 }, (_, n) => shape(`quota-home-crowd-${n}`, { size: "g1.small" }));
    const crowded = await own.check(context, { machines: crowd, toCreate: crowd.map(({ name }) => name) });
    expect(crowded.problems.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^needs 501 ports, quota leaves \d+$/),
    );

    // The second volume is refused only when Nova asks Cinder for it, and the machine fails.
    expect((await settled(context, own)).map(({ status }) => status)).toEqual(["running", "running"]);
    await own.delete(context, (await own.list(context)).slice(0, 1));
    await until(
      () => own.list(context),
      (all) => all.length === 1,
    );
    await own.create(context, [withDisk(names[2]!)]);
    const failed = (await settled(context, own)).find((machine) => machine.name === names[2]);
    expect(failed).toMatchObject({
      status: "failed",
      fault: expect.stringContaining("Volume"),
      retryable: false,
    });
    await own.delete(context, [failed!]);
    await clean(context, "cellar");
  });

  it("tells that no host was found, and cleans up after it", async () => {
    const context = site("nohost");
    const own = provider("home");
    await own.ensureShared(context, shared);
    const huge = { size: "g1.huge" };
    await own.create(context, [request("nohost-home-worker-1", huge)]);
    await own.create(context, [request("nohost-home-worker-2", { ...huge, disk: { sizeGiB: 2 } })]);
    const failed = await settled(context, own);
    const nowhere = { status: "failed", fault: "No valid host was found.", retryable: false };
    expect(failed).toEqual([expect.objectContaining(nowhere), expect.objectContaining(nowhere)]);
    await own.delete(context, failed);
    await clean(context);
    expect((await bench.home.leftovers()).volumes).toEqual([]);
  });

  it("knows a fault that may pass from one that does not, and leaves no volume of either", async () => {
    const context = site("broken");
    const own = provider("home");
    const machine = request("broken-home-worker-1", {
      size: "g1.small",
      disk: { sizeGiB: 1, type: "broken" },
    });
    await own.ensureShared(context, shared);
    await own.create(context, [machine]);
    const [failed] = await settled(context, own);
    expect(failed).toMatchObject({
      status: "failed",
      fault: expect.stringMatching(/^Build of instance \S+ aborted: Volume \S+ did not finish being created/),
      retryable: true,
    });
    // What core does then: away with it, and the same name again.
    await own.delete(context, [failed!]);
    await until(
      () => own.list(context),
      (all) => all.length === 0,
    );
    await own.create(context, [small(machine.name)]);
    const [again] = await settled(context, own);
    expect(again).toMatchObject({ name: machine.name, status: "running" });
    await clean(context);
    const left = await until(
      () => bench.home.leftovers(),
      ({ volumes }) => volumes.length === 0,
    );
    expect(left.volumes).toEqual([]);
  });
}
