import { expect, test } from "vitest";
import { openApiDocument, recordingFetch } from "../../testing/test/openapi.js";
import type { WireFirewall } from "../src/wire.js";
import { names, publicKey, request, setUp, shared, siteContext, until } from "./fixture.js";

const context = siteContext();

test("makes the shared things once and writes nothing the second time", async () => {
  const { cloud, provider, writes } = await setUp();
  const key = shared();
  await provider().ensureShared(context, key);
  const first = writes().length;
  expect(cloud.list().keys.map(({ name }) => name)).toEqual(["multicloud:lab:ocean"]);
  expect(cloud.list().firewalls.map(({ name }) => name)).toEqual(["multicloud.lab.ocean"]);
  expect(first).toBe(4);
  await provider().ensureShared(context, key);
  expect(writes().length).toBe(first);
  await cloud.close();
});

test("lets everything out of the firewall, and corrects it only when it differs", async () => {
  const { cloud, provider, api, writes } = await setUp();
  const wanted = shared();
  await provider().ensureShared(context, wanted);
  const read = async () =>
    (await api<{ firewalls: WireFirewall[] }>("GET", "/v2/firewalls")).data.firewalls[0]!;
  const firewall = await read();
  expect(firewall.outbound_rules?.map((rule) => rule.protocol)).toEqual(["tcp", "udp", "icmp"]);
  expect(firewall.tags).toEqual(["multicloud:lab:ocean"]);
  const opened = { protocol: "tcp", ports: "1-65535", sources: { addresses: ["0.0.0.0/0"] } };
  const { name, tags, droplet_ids, inbound_rules, outbound_rules } = firewall;
  await api("PUT", `/v2/firewalls/${firewall.id}`, {
    ...{ name, tags, droplet_ids, outbound_rules },
    inbound_rules: [...inbound_rules!, opened],
  });
  const before = writes().length;
  await provider().ensureShared(context, wanted);
  expect(writes().slice(before)).toMatchObject([{ method: "PUT", path: `/v2/firewalls/${firewall.id}` }]);
  expect((await read()).inbound_rules).toEqual(inbound_rules);
  await cloud.close();
});

test("makes machines in batches of ten and gives them back with role, spec and addresses", async () => {
  const { world, cloud, provider, writes } = await setUp();
  const ocean = provider();
  await ocean.ensureShared(context, shared());
  const before = writes().length;
  const spec = "s".repeat(200);
  await ocean.create(context, [
    ...names("worker", 12).map((name) => request(name)),
    request("lab-ocean-master-1", { role: "master", spec }),
  ]);
  expect(
    writes()
      .slice(before)
      .filter(({ path }) => path === "/v2/droplets"),
  ).toHaveLength(3);
  expect((await ocean.list(context)).length).toBe(13);
  await until(() => world.booted.size === 13);
  const machines = await ocean.list(context);
  const master = machines.find(({ name }) => name === "lab-ocean-master-1")!;
  expect(master).toMatchObject({
    role: "master",
    spec,
    status: "running",
    size: "s-2vcpu-4gb",
    image: "debian-12-x64",
  });
  expect(machines.filter(({ role, spec }) => role === "worker" && spec === "abc123")).toHaveLength(12);
  expect(new Set(machines.map(({ publicAddress }) => publicAddress)).size).toBe(13);
  expect(world.booted.get(master.id)).toMatchObject({
    hostname: master.name,
    image: "debian-12",
    publicAddress: master.publicAddress,
    userData: "#cloud-config\n",
  });
  await cloud.close();
});

test("puts droplets into the VPC of that name, with the flags that were asked for", async () => {
  const { cloud, provider } = await setUp();
  const flags = { monitoring: true, ipv6: true, backups: true };
  const ocean = provider({ vpc: "default-fra1", ...flags });
  await ocean.ensureShared(context, shared());
  await ocean.create(context, [request("lab-ocean-worker-1")]);
  await ocean.create(context, [request("lab-ocean-worker-2")]);
  for (const { vpc, features } of cloud.list().droplets) {
    expect(vpc.name).toBe("default-fra1");
    expect(features).toEqual(expect.arrayContaining(Object.keys(flags)));
  }
  expect(cloud.calls.filter(({ path }) => path === "/v2/vpcs")).toHaveLength(1);
  const gone = provider({ vpc: "gone" }).create(context, [request("lab-ocean-worker-3")]);
  await expect(gone).rejects.toMatchObject({ code: "NOT_FOUND", site: "ocean" });
  await cloud.close();
});

test("does not make a machine again that exists with our mark", async () => {
  const { cloud, provider, writes } = await setUp();
  await provider().ensureShared(context, shared());
  await provider().create(
    context,
    names("worker", 2).map((name) => request(name)),
  );
  const before = writes().length;
  // Another process: it has not seen which key the site uses.
  await provider().create(
    context,
    names("worker", 2).map((name) => request(name)),
  );
  expect(writes().length).toBe(before);
  await provider().create(
    context,
    names("worker", 3).map((name) => request(name)),
  );
  expect(cloud.list().droplets.map(({ name }) => name)).toEqual(names("worker", 3));
  await cloud.close();
});

test("lists across pages, and only what carries the mark of this cluster and site", async () => {
  const { cloud, provider, api } = await setUp({ cloud: { dropletLimit: 300 } });
  const ocean = provider();
  for (const site of ["ocean", "ocean-2"]) {
    await ocean.ensureShared(siteContext(site), shared());
  }
  await ocean.create(
    context,
    names("worker", 215).map((name) => request(name)),
  );
  await ocean.create(siteContext("ocean-2"), [request("lab-ocean-2-worker-1")]);
  await api("POST", "/v2/droplets", {
    name: "lab-ocean-worker-1",
    size: "s-1vcpu-1gb",
    image: "debian-12-x64",
  });
  expect((await ocean.list(context)).length).toBe(215);
  expect((await ocean.list(siteContext("ocean-2"))).length).toBe(1);
  await cloud.close();
});

test("takes the droplet's own address, not a reserved one", async () => {
  const { world, cloud, provider, api } = await setUp();
  const ocean = provider();
  await ocean.ensureShared(context, shared());
  await ocean.create(context, [request("lab-ocean-worker-1")]);
  await until(() => world.booted.size === 1);
  const [before] = await ocean.list(context);
  await api("POST", "/v2/reserved_ips", { droplet_id: Number(before!.id) });
  const [after] = await ocean.list(context);
  expect(after).toEqual(before);
  expect(after!.privateAddress).toMatch(/^10\.1\d\d\./);
  await cloud.close();
});

test("deletes machines and shared things until nothing is left, and again without complaint", async () => {
  const { world, cloud, provider, writes } = await setUp();
  const ocean = provider();
  await ocean.ensureShared(context, shared());
  await ocean.create(
    context,
    names("worker", 3).map((name) => request(name)),
  );
  const machines = await ocean.list(context);
  await ocean.delete(context, machines);
  await ocean.deleteShared(context);
  expect(cloud.list()).toEqual({
    droplets: [],
    keys: [],
    tags: [],
    firewalls: [],
    volumes: [],
    reservedIps: [],
  });
  expect(world.booted.size).toBe(0);
  const before = writes().length;
  await ocean.deleteShared(context);
  expect(writes().length).toBe(before);
  await ocean.delete(context, machines);
  await cloud.close();
});

test("uses a key that somebody put there under another name, and leaves it", async () => {
  const { cloud, provider, api } = await setUp();
  const key = publicKey();
  await api("POST", "/v2/account/keys", { name: "laptop", public_key: key });
  await provider().ensureShared(context, shared(key));
  await provider().deleteShared(context);
  expect(cloud.list().keys.map(({ name }) => name)).toEqual(["laptop"]);
  await cloud.close();
});

test("keeps a key that two sites share until the last one goes", async () => {
  const { cloud, provider } = await setUp();
  const key = publicKey();
  const other = siteContext("other");
  await provider().ensureShared(context, shared(key));
  await provider().ensureShared(other, shared(key));
  expect(cloud.list().keys).toHaveLength(1);
  await provider().deleteShared(context);
  expect(cloud.list().keys).toHaveLength(1);
  await provider().deleteShared(other);
  expect(cloud.list()).toMatchObject({ keys: [], tags: [], firewalls: [] });
  await cloud.close();
});

test("two sites that leave at the same time leave no key behind", async () => {
  const { cloud, provider } = await setUp();
  const key = publicKey();
  const sites = ["ocean", "other"].map((site) => siteContext(site));
  for (const site of sites) await provider().ensureShared(site, shared(key));
  await Promise.all(sites.map((site) => provider().deleteShared(site)));
  expect(cloud.list()).toMatchObject({ keys: [], tags: [], firewalls: [] });
  await cloud.close();
});

test("a new key of the operator takes the old one's place", async () => {
  const { cloud, provider } = await setUp();
  await provider().ensureShared(context, shared());
  const key = publicKey();
  await provider().ensureShared(context, shared(key));
  expect(cloud.list().keys.map(({ publicKey }) => publicKey)).toEqual([key]);
  expect(cloud.list().tags.filter((tag) => tag.includes(":key:"))).toHaveLength(1);
  await cloud.close();
});

const check = openApiDocument("digitalocean-v2.reduced.json", { closed: true });
test.skipIf(!check)("all that is asked is as DigitalOcean's OpenAPI document has it", async () => {
  const recorder = recordingFetch();
  const { world, cloud, provider } = await setUp({
    provider: { fetch: recorder.fetch, vpc: "default-fra1", ipv6: true, backups: true, monitoring: true },
  });
  const ocean = provider();
  const requests = names("worker", 3).map((name) => request(name));
  const master = request("lab-ocean-master-1", {
    role: "master",
    providerOptions: { reservedIp: true, volume: { sizeGiB: 10, filesystem: "xfs" } },
  });
  const [first] = requests;
  await ocean.check(context, { machines: [...requests, master], toCreate: [first!.name, master.name] });
  await ocean.ensureShared(context, shared());
  await ocean.ensureShared(context, { ...shared(), firewall: [] });
  await ocean.create(context, requests);
  await ocean.create(context, [master]);
  await ocean.ensureShared(context, shared());
  await until(() => world.booted.size === 4);
  await ocean.delete(context, await ocean.list(context));
  await ocean.deleteShared(context);
  expect(recorder.exchanges.filter(({ method }) => method !== "GET").length).toBeGreaterThan(15);
  for (const kind of ["reserved_ips", "volumes"]) {
    expect(recorder.exchanges.some(({ path }) => path.startsWith(`/v2/${kind}/`))).toBe(true);
  }
  expect(recorder.exchanges.flatMap((exchange) => check!(exchange))).toEqual([]);
  await cloud.close();
});
