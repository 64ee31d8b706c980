import { expect, it } from "vitest";
import { otherKey, shared, small } from "../sandbox.js";
import { type Bench, failure } from "./bench.js";

/** What the machines of a site share, and what is others'. */
export function sharedCases(bench: Bench): void {
  const { site, provider, settled, clean } = bench;

  it("keeps two clusters of one project and two projects apart", async () => {
    const contexts = [site("one"), site("two"), site("three", "attic")];
    const entries = ["home", "home-password", "attic"] as const;
    const providers = entries.map((entry) => provider(entry));
    await Promise.all(
      contexts.map(async (context, n) => {
        await providers[n]!.ensureShared(context, shared);
        await providers[n]!.create(context, [small(`${context.cluster}-home-worker-1`)]);
      }),
    );
    await Promise.all(contexts.map((context, n) => settled(context, providers[n]!)));
    for (const [n, context] of contexts.entries()) {
      const names = (await providers[n]!.list(context)).map((machine) => machine.name);
      expect(names).toEqual([`${context.cluster}-home-worker-1`]);
    }
    const groups = (await bench.home.leftovers()).securityGroups;
    expect(groups).toEqual(["multicloud-one-home", "multicloud-two-home"]);
    const [second] = await providers[1]!.list(contexts[1]!);
    // Told to delete what is another's, it does not.
    await providers[0]!.delete(contexts[0]!, [second!]);
    await clean(contexts[0]!);
    expect((await bench.home.leftovers()).securityGroups).toEqual(["multicloud-two-home"]);
    expect(await providers[1]!.list(contexts[1]!)).toEqual([second]);
    await clean(contexts[1]!);
    expect((await bench.attic.leftovers()).servers).toEqual(["three-home-worker-1"]);
    await clean(contexts[2]!, "attic");
  });

  it("corrects the firewall, and touches nothing that is not ours", async () => {
    const context = site("fire");
    const own = provider("home");
    await own.ensureShared(context, shared);
    const narrower = {
      ...shared,
      firewall: [{ protocol: "tcp" as const, port: 22, sources: ["192.0.2.1"] }],
    };
    await own.ensureShared(context, narrower);
    const groups = await bench.home.all("network", "/security-groups", "security_groups");
    const { id, security_group_rules: rules } = groups.find((it) => it.name === "multicloud-fire-home")!;
    const ingress = (rules as Record<string, unknown>[]).filter((rule) => rule.direction === "ingress");
    expect(ingress).toEqual([
      expect.objectContaining({ protocol: "tcp", port_range_min: 22, remote_ip_prefix: "192.0.2.1/32" }),
    ]);

    const body = { security_group: { description: "mine now" } };
    expect((await bench.home.call("network", "PUT", `/security-groups/${id}`, { body })).status).toBe(200);
    expect(await failure(own.ensureShared(context, shared))).toMatchObject({ code: "CONFLICT" });
    await own.deleteShared(context);
    expect((await bench.home.leftovers()).securityGroups).toEqual(["multicloud-fire-home"]);
    expect((await bench.home.call("network", "DELETE", `/security-groups/${id}`)).status).toBe(204);

    const keypair = { keypair: { name: "multicloud-fire-home", public_key: otherKey } };
    expect((await bench.home.call("compute", "POST", "/os-keypairs", { body: keypair })).status).toBeLessThan(
      300,
    );
    expect(await failure(own.ensureShared(context, shared))).toMatchObject({ code: "CONFLICT" });
    await own.deleteShared(context);
    expect((await bench.home.leftovers()).keypairs).toEqual(["multicloud-fire-home"]);
    await bench.home.call("compute", "DELETE", "/os-keypairs/multicloud-fire-home");
  });
}
