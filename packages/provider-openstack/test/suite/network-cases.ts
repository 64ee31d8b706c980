import { expect, it } from "vitest";
import { request, shape, shared, small } from "../sandbox.js";
import { type Bench, failure } from "./bench.js";
import { nothing } from "./cloud-under-test.js";
import { watchFetch } from "./watch.js";

/** Networks, addresses, hosts. */
export function networkCases(bench: Bench): void {
  const { site, provider, until, settled, clean } = bench;

  it("puts machines into several networks, at an address that was asked for, apart from each other", async () => {
    const context = site("apart");
    const watched = watchFetch();
    const own = provider("home", {
      network: ["storage", "homenet"],
      antiAffinity: "soft",
      fetch: watched.fetch,
    });
    const fixedIps = { "apart-home-worker-1": "10.30.77.7" };
    const both = [1, 2].map((n) =>
      request(`apart-home-worker-${n}`, {
        size: "g1.small",
        image: "os_distro=debian",
        providerOptions: { fixedIps },
      }),
    );
    const names = both.map((machine) => machine.name);
    expect(await own.check(context, { machines: both, toCreate: names })).toEqual({
      problems: [],
      warnings: [],
    });
    await own.ensureShared(context, shared);
    await Promise.all(both.map((machine) => own.create(context, [machine])));
    const made = await settled(context, own);
    expect(made.map(({ status, fault }) => fault ?? status)).toEqual(["running", "running"]);
    expect(made[0]!.privateAddress).toBe("10.30.77.7");
    const late = shape("apart-home-gateway-1", {
      role: "gateway",
      size: "g1.small",
      providerOptions: { fixedIps: { "apart-home-gateway-1": "10.30.77.7" } },
    });
    const again = await own.check(context, { machines: both, toCreate: [] });
    expect(again.problems).toEqual([]);
    const twins = await own.check(context, { machines: [...both, late], toCreate: [late.name] });
    expect(twins.problems[0]).toMatchObject({
      message: "apart-home-gateway-1 and apart-home-worker-1 cannot have one address",
    });
    const taken = await own.check(context, { machines: [late], toCreate: [late.name] });
    expect(taken.problems).toEqual([
      {
        path: "gateways.providerOptions.fixedIps",
        message: expect.stringMatching(/^the address of apart-home-gateway-1 is taken by the port /),
        given: "10.30.77.7",
        hint: expect.stringContaining("outside of the subnet's allocation pool"),
      },
    ]);

    const images = await bench.home.all("image", "/images?limit=2", "images");
    const debian = images.find((image) => image.name === "debian-12")!;
    const servers = await bench.home.all("compute", "/servers/detail?name=apart-", "servers");
    for (const server of servers) {
      expect(Object.keys(server.addresses as object).sort()).toEqual(["homenet", "storage"]);
      expect((server.image as { id: string }).id).toBe(debian.id);
    }
    const groups = (await bench.home.call("compute", "GET", "/os-server-groups")).data.server_groups;
    expect(groups).toEqual([
      expect.objectContaining({
        name: "multicloud:apart/home workers soft-anti-affinity",
        policy: "soft-anti-affinity",
        members: expect.arrayContaining(made.map(({ id }) => id)),
      }),
    ]);

    const writes = watched.writes();
    await provider("home", { fetch: watched.fetch, antiAffinity: "soft" }).create(context, both);
    expect(watched.writes()).toBe(writes);
    await own.create(context, [request("apart-home-worker-3", { ...both[0], name: "apart-home-worker-3" })]);
    await clean(context);
  });

  it("gives machines floating IPs that go with them, wherever a run is cut off", async () => {
    const context = site("float", "cellar");
    const more = { floatingIp: "internet", network: "homenet" };
    const names = ["float-home-worker-1", "float-home-worker-2"];
    const machines = names.map((node) => shape(node, { size: "g1.small" }));
    const whole = watchFetch();
    const own = provider("cellar", { ...more, fetch: whole.fetch });
    const { problems } = await own.check(context, { machines, toCreate: names });
    expect(problems.map(({ message }) => message)).toEqual(["needs 2 floating IPs, quota leaves 1"]);
    const misspelt = await provider("cellar", { ...more, floatingIp: "internat" }).check(context, {
      machines,
      toCreate: [],
    });
    expect(misspelt.problems).toEqual([
      expect.objectContaining({ path: "provider.floatingIp", suggestion: "internet" }),
    ]);

    await own.ensureShared(context, shared);
    const before = whole.writes();
    await own.create(context, [small(names[0]!)]);
    // A port, a floating IP, a server.
    expect(whole.writes() - before).toBe(3);
    const [first] = await until(
      () => own.list(context),
      ([machine]) => machine?.publicAddress !== undefined || machine?.status === "failed",
    );
    expect(first).toMatchObject({
      status: "running",
      publicAddress: expect.stringMatching(/^203\.0\.113\./),
      privateAddress: expect.stringMatching(/^10\.20\./),
    });
    expect(await failure(own.create(context, [small(names[1]!)]))).toMatchObject({
      code: "QUOTA_EXCEEDED",
      service: "neutron",
      node: names[1],
    });

    let made = first!;
    // Taken away with a cut after each change: the floating IP, the port, the server.
    for (let step = 1; step <= 3; step++) {
      const controller = new AbortController();
      const { fetch } = watchFetch((n) => {
        if (n !== step) return;
        controller.abort(new Error("cut off"));
        throw controller.signal.reason;
      });
      const cut = { ...context, signal: controller.signal };
      await expect(provider("cellar", { ...more, fetch }).delete(cut, [made])).rejects.toThrow("cut off");
      await provider("cellar").delete(context, await provider("cellar").list(context));
      await until(
        () => bench.cellar.leftovers(),
        (left) => left.servers.length === 0,
      );
      const left = await bench.cellar.leftovers();
      expect(left.floatingIps).toEqual([]);
      // What was made for the machine that the quota refused is taken away last.
      expect(left.ports).toEqual([names[1]]);
      if (step === 3) break;
      await own.create(context, [small(names[0]!)]);
      made = (await settled(context, own))[0]!;
    }
    await clean(context, "cellar");
    expect(await bench.cellar.leftovers()).toEqual(nothing);
  });

  it("says which policy leaves a machine without a host, and makes the others", async () => {
    const context = site("alone");
    const own = provider("home", { antiAffinity: "hard" });
    const names = ["alone-home-worker-1", "alone-home-worker-2"];
    const machines = names.map((node) => shape(node, { size: "g1.small" }));
    expect(await own.check(context, { machines, toCreate: names })).toEqual({ problems: [], warnings: [] });
    const eleven = Array.from({ length: 11 }, (_, n) =>
      shape(`alone-home-worker-${n}`, { size: "g1.small" }),
    );
    const { problems } = await own.check(context, { machines: eleven, toCreate: names });
    expect(problems.map(({ message }) => message)).toEqual([
      "needs 11 servers in a server group, quota leaves 10",
    ]);
    await own.ensureShared(context, shared);
    await own.create(context, [small(names[0]!)]);
    await settled(context, own);
    await own.create(context, [small(names[1]!)]);
    const [first, second] = await settled(context, own);
    expect(first).toMatchObject({ status: "running" });
    expect(second).toMatchObject({
      status: "failed",
      fault: expect.stringMatching(/^No valid host was found.*antiAffinity "hard" wants a host of its own/),
      retryable: false,
    });
    await own.delete(context, [second!]);
    await clean(context);
  });
}
