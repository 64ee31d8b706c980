import type { Provider, SiteContext } from "@multicloud/core/plugin";
import { digitalocean } from "@multicloud/provider-digitalocean";
import { openstack } from "@multicloud/provider-openstack";
import { generateKeyPair, socks5Dialer } from "@multicloud/ssh";
import { afterAll, beforeAll, expect, test } from "vitest";
import { authorizedMembers, errorOf, type Lab, machineNames, openLab } from "./lab.js";

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

// Home is an OpenStack, as ramnode is.
const shape = { ramnode: [1, 0], digitalocean: [0, 1] } as const;
const first = () => lab.cluster(shape);
// Its name begins like the other's, so a mark that is only compared from its beginning would be taken for the other's.
const second = () => lab.cluster(shape, { name: "lab-2", cloudflare: { record: "*.two" } });
const made = (cluster: string) =>
  lab
    .resources()
    .filter((resource) =>
      new RegExp(`(^|[^a-z0-9-])${cluster}([^a-z0-9-]|-(ramnode|digitalocean))`).test(resource),
    );

test("two clusters live in the same clouds, on one overlay network and in one zone", async () => {
  await first().up();
  const whole = [...lab.resources()];
  const effects = lab.effects.all.length;
  await second().up();
  expect(lab.resources()).toEqual(expect.arrayContaining(whole));
  expect(lab.effectsSince(effects).filter((effect) => /\blab-(ramnode|digitalocean)/.test(effect))).toEqual(
    [],
  );
  expect(lab.resolve("a.apps.example.com")).not.toEqual([]);
  expect(lab.resolve("a.two.example.com")).not.toEqual([]);

  const after = lab.effects.all.length;
  await first().up();
  await second().up();
  expect(lab.effectsSince(after)).toEqual([]);
  for (const cluster of [first(), second()]) {
    const { nodes } = await cluster.status();
    expect(nodes.map(({ ready }) => ready)).toEqual([true, true]);
  }
});

test("each is changed without the other", async () => {
  const effects = lab.effects.all.length;
  await lab
    .cluster({ ramnode: [1, 0], digitalocean: [0, 2] }, { name: "lab-2", cloudflare: { record: "*.two" } })
    .up();
  expect(lab.effectsSince(effects).filter((effect) => /\blab-(ramnode|digitalocean)/.test(effect))).toEqual(
    [],
  );
});

test("destroying one leaves the other whole", async () => {
  await second().destroy();
  expect(made("lab-2")).toEqual([]);
  const names = ["lab-digitalocean-worker-1", "lab-ramnode-master-1"];
  expect(machineNames(lab)).toEqual(names);
  expect(authorizedMembers(lab)).toEqual(names);
  expect(lab.resolve("a.two.example.com")).toEqual([]);
  expect(lab.resolve("a.apps.example.com")).not.toEqual([]);
  const effects = lab.effects.all.length;
  expect((await first().up()).plan.unchanged).toBe(true);
  expect(lab.effectsSince(effects)).toEqual([]);
  await first().destroy();
  expect(lab.resources()).toEqual([]);
});

test("somebody else's things with the names that ours would have are never touched", async () => {
  const droplets = digitalocean({
    token: lab.env.DIGITALOCEAN_TOKEN!,
    baseURL: lab.env.DIGITALOCEAN_API_URL!,
    region: "fra1",
  });
  const servers = openstack({ cloud: "ramnode", cloudsFile: lab.env.OS_CLIENT_CONFIG_FILE! });
  await foreignMachine(servers, "lab-ramnode-master-1", { size: "g1.small", image: "debian-12" });
  await foreignMachine(droplets, "lab-digitalocean-worker-1", {
    size: "s-1vcpu-2gb",
    image: "debian-12-x64",
  });
  await foreignRecord();
  const foreign = [...lab.resources()];
  const machines = lab.world.machines.all().map(({ spec }) => spec.id);

  const effects = lab.effects.all.length;
  const error = await errorOf(first().up());
  expect(error.code).toBe("CONFLICT");
  expect(error.message).toContain("entrypoint.record");
  expect(error.message).toContain("*.apps.example.com");
  await first().destroy();
  expect(lab.effectsSince(effects)).toEqual([]);

  // With a free name for the record it is built beside them.
  const free = lab.cluster(shape, { cloudflare: { record: "*.free" } });
  const { plan, nodes } = await free.up();
  expect(plan.counts.create).toBe(2);
  expect(nodes.map(({ ready }) => ready)).toEqual([true, true]);
  await free.destroy();
  expect(lab.resources()).toEqual(foreign);
  expect(lab.world.machines.all().map(({ spec }) => spec.id)).toEqual(machines);
});

/** A machine of another cluster, whose owner gave it a name of ours. */
async function foreignMachine(
  provider: Provider,
  name: string,
  shape: { readonly size: string; readonly image: string },
): Promise<void> {
  const context: SiteContext = {
    cluster: "somebody",
    site: "else",
    signal: AbortSignal.timeout(10_000),
    dialer: socks5Dialer(lab.socks),
    report: () => {},
  };
  const { publicKey } = generateKeyPair("somebody else");
  await provider.ensureShared(context, {
    sshPublicKey: publicKey,
    firewall: [{ protocol: "tcp", port: 22 }],
  });
  const userData = "#cloud-config\n{}\n";
  await provider.create(context, [{ name, role: "worker", spec: "theirs", userData, boot: {}, ...shape }]);
}

async function foreignRecord(): Promise<void> {
  const headers = {
    authorization: `Bearer ${lab.env.CLOUDFLARE_API_TOKEN}`,
    "content-type": "application/json",
  };
  const zones = await fetch(`${lab.env.CLOUDFLARE_BASE_URL}/zones?name=example.com`, { headers });
  const { result } = (await zones.json()) as { result: { id: string }[] };
  const answer = await fetch(`${lab.env.CLOUDFLARE_BASE_URL}/zones/${result[0]!.id}/dns_records`, {
    method: "POST",
    headers,
    body: JSON.stringify({ type: "A", name: "*.apps.example.com", content: "198.51.100.9", ttl: 300 }),
  });
  expect(answer.status).toBe(200);
}
