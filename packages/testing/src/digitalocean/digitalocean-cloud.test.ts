import { describe, expect, test } from "vitest";
import { fakeWorld, manualClock } from "../../test/fake-world.js";
import { openApiDocument, recordingFetch } from "../../test/openapi.js";
import { createDigitalOcean, type DigitalOceanCloudOptions } from "./digitalocean-cloud.js";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl operator";
const fingerprint = "65:96:2d:fc:e8:d5:a9:11:64:0c:0f:ea:00:6e:5b:bd";
const droplet = { name: "web-1", region: "fra1", size: "s-1vcpu-1gb", image: "debian-12-x64" };

async function setUp(options: DigitalOceanCloudOptions = {}, world = fakeWorld()) {
  const cloud = await createDigitalOcean(world, options);
  const recorder = recordingFetch();
  const send = async (method: string, path: string, body?: unknown, token = cloud.token) => {
    const response = await recorder.fetch(`${cloud.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text ? JSON.parse(text) : undefined) as Record<string, unknown>,
    };
  };
  return { world, cloud, send, exchanges: recorder.exchanges };
}

test("refuses a wrong token with the service's body", async () => {
  const { cloud, send } = await setUp();
  const { status, body } = await send("GET", "/v2/account", undefined, "dop_v1_wrong");
  expect(status).toBe(401);
  expect(body).toMatchObject({ id: "unauthorized", message: "Unable to authenticate you" });
  await cloud.close();
});

test("a droplet has no address while it is new, boots as a machine, and is listed until it is gone", async () => {
  const clock = manualClock();
  const timing = { buildMs: 12_000, deleteMs: 3_000 };
  const { world, cloud, send } = await setUp({ lan: "ocean" }, fakeWorld({ clock, timing }));
  await send("POST", "/v2/account/keys", { name: "operator", public_key: key });
  const made = await send("POST", "/v2/droplets", {
    ...droplet,
    ssh_keys: [fingerprint],
    user_data: "#cloud-config",
  });
  expect(made.status).toBe(202);
  const { id } = made.body.droplet as { id: number };
  const action = (made.body.links as { actions: { id: number; rel: string }[] }).actions[0]!;
  expect(action.rel).toBe("create");
  expect(made.body.droplet).toMatchObject({ status: "new", networks: { v4: [], v6: [] } });
  expect((await send("GET", `/v2/actions/${action.id}`)).body.action).toMatchObject({
    status: "in-progress",
  });
  const early = await send("DELETE", `/v2/droplets/${id}`);
  expect([early.status, early.body.message]).toEqual([422, "Droplet already has a pending event."]);
  expect(world.booted.size).toBe(0);

  await clock.advance(12_000);
  const running = await send("GET", `/v2/droplets/${id}`);
  expect(running.body.droplet).toMatchObject({
    status: "active",
    networks: { v4: [{ type: "private" }, { type: "public", ip_address: "198.19.0.2" }] },
  });
  expect((await send("GET", `/v2/actions/${action.id}`)).body.action).toMatchObject({ status: "completed" });
  expect(world.booted.get(String(id))).toEqual({
    id: String(id),
    hostname: "web-1",
    image: "debian-12",
    sshKeys: [key],
    userData: "#cloud-config",
    publicAddress: "198.19.0.2",
    lan: "ocean",
    privateAddress: "10.116.0.2",
  });

  expect((await send("DELETE", `/v2/droplets/${id}`)).status).toBe(204);
  expect((await send("GET", "/v2/droplets")).body.droplets).toHaveLength(1);
  await clock.advance(3_000);
  expect((await send("GET", "/v2/droplets")).body.droplets).toEqual([]);
  expect((await send("DELETE", `/v2/droplets/${id}`)).status).toBe(404);
  expect(world.booted.size).toBe(0);
  await cloud.close();
});

const bad: readonly (readonly [string, object, RegExp])[] = [
  ["no size", { size: undefined }, /size is required/],
  ["an unknown size", { size: "s-1vcpu-1g" }, /invalid size/],
  [
    "a size that is elsewhere",
    { size: "s-1vcpu-512mb-10gb", region: "lon1" },
    /not available in this region/,
  ],
  ["an unknown image", { image: "debian-12" }, /invalid image/],
  ["an image as a fraction", { image: 1.5 }, /image has the wrong type/],
  ["an unknown region", { region: "fra9" }, /invalid region/],
  ["no name", { name: undefined }, /name or names/],
  ["a name with an underscore", { name: "web_1" }, /valid hostnames/],
  ["eleven names", { name: undefined, names: Array.from({ length: 11 }, (_, i) => `n${i}`) }, /1 to 10/],
  ["a key by name", { ssh_keys: ["operator"] }, /invalid key identifiers/],
  ["too much user data", { user_data: "ü".repeat(32_769) }, /64 KiB/],
  ["an unknown field", { sshkeys: [] }, /not a known attribute/],
  ["a flag as text", { monitoring: "yes" }, /must be a boolean/],
  ["an unknown VPC", { vpc_uuid: "none" }, /VPC was not found/],
];
describe("a droplet is refused", () => {
  for (const [what, change, message] of bad) {
    test(`with ${what}`, async () => {
      const { world, cloud, send } = await setUp();
      const { status, body } = await send("POST", "/v2/droplets", { ...droplet, ...change });
      expect(status).toBe(422);
      expect(body).toMatchObject({ id: "unprocessable_entity", message: expect.stringMatching(message) });
      expect(cloud.list().droplets).toEqual([]);
      expect(world.effects.all).toEqual([]);
      await cloud.close();
    });
  }

  test("beyond the account's limit", async () => {
    const { cloud, send } = await setUp({ dropletLimit: 2 });
    const { name: _, ...rest } = droplet;
    const { body } = await send("POST", "/v2/droplets", { ...rest, names: ["a", "b", "c"] });
    expect(body.message).toMatch(/exceed your droplet limit/);
    await cloud.close();
  });
});

test("pages have twenty items, links to the others and a total", async () => {
  const { cloud, send } = await setUp({ dropletLimit: 50 });
  const { name: _, ...rest } = droplet;
  for (let i = 0; i < 5; i++) {
    const names = Array.from({ length: 9 }, (_, j) => `n-${i}-${j}`);
    await send("POST", "/v2/droplets", { ...rest, names, tags: [i % 2 ? "odd" : "even"] });
  }
  const first = await send("GET", "/v2/droplets");
  expect(first.body).toMatchObject({ droplets: { length: 20 }, meta: { total: 45 } });
  const { pages } = first.body.links as { pages: Record<string, string> };
  expect(Object.keys(pages)).toEqual(["next", "last"]);
  const last = await send("GET", pages.last!.slice(cloud.url.length));
  expect(last.body).toMatchObject({ droplets: { length: 5 } });
  const even = await send("GET", "/v2/droplets?tag_name=even&per_page=10&page=3");
  expect(even.body).toMatchObject({ droplets: { length: 7 }, meta: { total: 27 } });
  expect((await send("GET", "/v2/droplets?name=N-0-1")).body.droplets).toHaveLength(1);
  for (const query of ["per_page=201", "per_page=0", "page=x", "name=a&tag_name=b"]) {
    expect((await send("GET", `/v2/droplets?${query}`)).status).toBe(400);
  }
  await cloud.close();
});

test("keys, tags and firewalls keep the service's rules", async () => {
  const { cloud, send } = await setUp();
  const post = async (path: string, body: unknown) => {
    const { status, body: answer } = await send("POST", path, body);
    return [status, answer.message ?? answer.error];
  };
  await post("/v2/account/keys", { name: "operator", public_key: key });
  expect(await post("/v2/account/keys", { name: "again", public_key: key })).toEqual([
    422,
    "SSH Key is already in use on your account",
  ]);
  expect((await post("/v2/account/keys", { name: "x", public_key: "ssh-rsa nonsense" }))[0]).toBe(422);
  expect((await send("GET", `/v2/account/keys/${fingerprint}`)).body.ssh_key).toMatchObject({
    name: "operator",
  });
  expect((await post("/v2/tags", { name: "not a tag" }))[0]).toBe(400);
  const rule = { protocol: "tcp", ports: "22", sources: { addresses: ["0.0.0.0/0"] } };
  const firewall = { name: "web", tags: ["web"], inbound_rules: [rule] };
  expect(await post("/v2/firewalls", firewall)).toEqual([422, "tag web does not exist"]);
  await post("/v2/tags", { name: "web" });
  expect((await post("/v2/firewalls", firewall))[0]).toBe(202);
  expect(await post("/v2/firewalls", firewall)).toEqual([409, "duplicate name"]);
  const wrong = [
    { ...firewall, name: "a_b" },
    { ...firewall, name: "b", inbound_rules: [{ ...rule, ports: "70000" }] },
    { ...firewall, name: "c", inbound_rules: [{ ...rule, sources: { addresses: ["here"] } }] },
    { ...firewall, name: "d", inbound_rules: [] },
  ];
  for (const body of wrong) expect((await post("/v2/firewalls", body))[0]).toBe(422);
  expect((await send("DELETE", "/v2/tags/web")).status).toBe(204);
  expect((await send("GET", "/v2/firewalls")).body.firewalls).toMatchObject([{ name: "web", tags: [] }]);
  await cloud.close();
});

test("a reserved address is locked while it moves, sticks to one droplet, and outlives it", async () => {
  const clock = manualClock();
  const { cloud, send } = await setUp({ reservedIpLimit: 1 }, fakeWorld({ clock, timing: { buildMs: 1 } }));
  const made = await send("POST", "/v2/droplets", droplet);
  const { id } = made.body.droplet as { id: number };
  const give = async () => {
    const { status, body } = await send("POST", "/v2/reserved_ips", { droplet_id: id });
    return [status, body.message];
  };
  expect(await give()).toEqual([422, "Droplet already has a pending event."]);
  await clock.advance(10);
  expect((await give())[0]).toBe(202);
  const path = `/v2/reserved_ips/${cloud.list().reservedIps[0]}`;
  expect((await send("GET", path)).body.reserved_ip).toMatchObject({ locked: true, droplet: null });
  expect((await send("DELETE", path)).status).toBe(422);
  expect(await give()).toEqual([422, "The droplet already has a reserved IP address."]);
  await clock.advance(2_000);
  expect((await send("GET", path)).body.reserved_ip).toMatchObject({ locked: false, droplet: { id } });
  expect((await send("POST", "/v2/reserved_ips", { region: "fra1" })).body.message).toMatch(/limit/);
  // The first delete of one that is on a droplet only takes it off.
  expect((await send("DELETE", path)).status).toBe(204);
  await clock.advance(2_000);
  expect(cloud.list().reservedIps).toHaveLength(1);
  expect((await send("POST", `${path}/actions`, { type: "unassign" })).status).toBe(422);
  await send("POST", `${path}/actions`, { type: "assign", droplet_id: id });
  await clock.advance(2_000);
  await send("DELETE", `/v2/droplets/${id}`);
  await clock.advance(2_000);
  expect((await send("GET", path)).body.reserved_ip).toMatchObject({ droplet: null });
  expect((await send("DELETE", path)).status).toBe(204);
  expect(cloud.list().reservedIps).toEqual([]);
  await cloud.close();
});

test("a volume is on one droplet, outlives it, and cannot be deleted while it is on it", async () => {
  const clock = manualClock();
  const { cloud, send } = await setUp({}, fakeWorld({ clock, timing: { buildMs: 1, deleteMs: 1 } }));
  const disk = { name: "disk", region: "fra1", size_gigabytes: 10, tags: ["t"] };
  const post = async (body: object) => {
    const { status, body: answer } = await send("POST", "/v2/volumes", body);
    return [status, answer.message];
  };
  const { volume } = (await send("POST", "/v2/volumes", disk)).body as { volume: { id: string } };
  expect(await post(disk)).toEqual([409, "failed to create volume: name already exists"]);
  expect((await post({ ...disk, region: "nyc3" }))[0]).toBe(201);
  for (const wrong of [
    { name: "9disk" },
    { size_gigabytes: 0 },
    { region: "moon" },
    { filesystem_type: "zfs" },
  ])
    expect((await post({ ...disk, ...wrong }))[0]).toBe(422);
  const { name: _, ...rest } = droplet;
  const volumes = [volume.id];
  expect((await send("POST", "/v2/droplets", { ...rest, names: ["a", "b"], volumes })).status).toBe(422);
  const made = await send("POST", "/v2/droplets", { ...droplet, volumes });
  expect(made.body.droplet).toMatchObject({ volume_ids: volumes });
  expect((await send("POST", "/v2/droplets", { ...droplet, volumes })).body.message).toMatch(
    /already attached/,
  );
  await clock.advance(5);
  expect((await send("DELETE", `/v2/volumes/${volume.id}`)).status).toBe(409);
  await send("DELETE", `/v2/droplets/${(made.body.droplet as { id: number }).id}`);
  await clock.advance(5);
  expect((await send("DELETE", `/v2/volumes/${volume.id}`)).status).toBe(204);
  expect(cloud.list().volumes).toEqual(["disk"]);
  await cloud.close();
});

test("a creation that was told to fail ends in an errored action, and its droplet can be deleted", async () => {
  const clock = manualClock();
  const { world, cloud, send } = await setUp({}, fakeWorld({ clock, timing: { buildMs: 10 } }));
  for (const how of ["vanishes", "stays"] as const) {
    cloud.failNextCreate(how);
    const { id } = (await send("POST", "/v2/droplets", droplet)).body.droplet as { id: number };
    await clock.advance(20);
    const [action] = (await send("GET", "/v2/actions")).body.actions as object[];
    expect(action).toMatchObject({ resource_id: id, type: "create", status: "errored" });
    expect((await send("DELETE", `/v2/droplets/${id}`)).status).toBe(how === "stays" ? 204 : 404);
    await clock.advance(10);
  }
  expect(world.booted.size).toBe(0);
  expect(cloud.list().droplets).toEqual([]);
  await cloud.close();
});

test("limits are counted in virtual time and told in the caller's", async () => {
  const clock = manualClock();
  const { cloud, send } = await setUp({ rateLimits: { perHour: 8, perMinute: 3 } }, fakeWorld({ clock }));
  const seen: number[] = [];
  const call = async (path = "/v2/account") => {
    const answer = await send("GET", path);
    seen.push(answer.status);
    return answer.headers;
  };
  const headers = await call();
  expect(headers.get("ratelimit-limit")).toBe("8");
  expect(headers.get("ratelimit-remaining")).toBe("7");
  await call();
  await call();
  expect((await call()).get("retry-after")).toBe("60");
  await clock.advance(60_000);
  for (let i = 0; i < 3; i++) await call();
  await clock.advance(60_000);
  await call();
  const spent = await call();
  expect(seen).toEqual([200, 200, 200, 429, 200, 200, 200, 200, 429]);
  expect([spent.get("retry-after"), spent.get("ratelimit-remaining")]).toEqual([null, "0"]);
  await clock.advance(3_600_000);
  for (let i = 0; i < 3; i++) await call();
  expect(seen.slice(-3)).toEqual([200, 200, 200]);
  await cloud.close();

  const lists = await setUp({}, fakeWorld({ clock }));
  const statuses: number[] = [];
  for (let i = 0; i < 11; i++) statuses.push((await lists.send("GET", "/v2/account/keys")).status);
  expect(statuses.indexOf(429)).toBe(10);
  await lists.cloud.close();
});

test("each change is recorded once it took effect and before it is answered", async () => {
  const { world, cloud, send } = await setUp();
  const seen: string[] = [];
  world.effects.listen(({ kind, action, name }) => {
    seen.push(`${action} ${kind} ${name} of ${cloud.list().droplets.length}`);
  });
  await send("POST", "/v2/droplets", { ...droplet, tags: ["t"] });
  expect(seen).toEqual(["create tag t of 1", "create droplet web-1 of 1"]);
  await send("POST", "/v2/tags", { name: "t" });
  await send("GET", "/v2/droplets");
  expect(seen).toHaveLength(2);
  await cloud.close();
});

const check = openApiDocument("digitalocean-v2.reduced.json", { closed: true });
test.skipIf(!check)("all that is served is as DigitalOcean's OpenAPI document has it", async () => {
  const { world, cloud, send, exchanges } = await setUp();
  await send("GET", "/v2/account");
  await send("GET", "/v2/account", undefined, "dop_v1_wrong");
  for (const path of [
    "regions",
    "sizes",
    "images",
    "images?type=distribution",
    "vpcs",
    "volumes",
    "actions",
  ]) {
    await send("GET", `/v2/${path}`);
  }
  await send("GET", "/v2/images/debian-12-x64");
  await send("GET", "/v2/images/none");
  await send("POST", "/v2/account/keys", { name: "operator", public_key: key });
  await send("GET", "/v2/account/keys");
  await send("GET", `/v2/account/keys/${fingerprint}`);
  await send("POST", "/v2/tags", { name: "web" });
  await send("POST", "/v2/tags", { name: "no good" });
  await send("GET", "/v2/tags");
  await send("GET", "/v2/tags/web");
  const rule = { protocol: "tcp", ports: "22", sources: { addresses: ["0.0.0.0/0"] } };
  const out = { protocol: "udp", ports: "0", destinations: { addresses: ["::/0"] } };
  const firewall = { name: "web", tags: ["web"], inbound_rules: [rule], outbound_rules: [out] };
  const made = await send("POST", "/v2/firewalls", firewall);
  const { id } = made.body.firewall as { id: string };
  await send("GET", "/v2/firewalls");
  await send("GET", `/v2/firewalls/${id}`);
  await send("PUT", `/v2/firewalls/${id}`, { ...firewall, outbound_rules: [] });
  await send("POST", "/v2/droplets", { ...droplet, tags: ["web"], ssh_keys: [fingerprint], ipv6: true });
  const { name: _, ...rest } = droplet;
  await send("POST", "/v2/droplets", { ...rest, names: ["a", "b"] });
  await send("POST", "/v2/droplets", { ...droplet, size: "none" });
  await send("GET", "/v2/droplets");
  while (world.booted.size < 3) await new Promise((resolve) => setImmediate(resolve));
  const list = await send("GET", "/v2/droplets?per_page=2");
  const [first] = list.body.droplets as { id: number }[];
  const resources = [{ resource_id: String(first!.id), resource_type: "droplet" }];
  await send("POST", "/v2/tags/web/resources", { resources });
  await send("DELETE", "/v2/tags/web/resources", { resources });
  await send("POST", "/v2/reserved_ips", { region: "fra1" });
  const { reserved_ip } = (await send("POST", "/v2/reserved_ips", { droplet_id: first!.id })).body as {
    reserved_ip: { ip: string };
  };
  const address = `/v2/reserved_ips/${reserved_ip.ip}`;
  while (((await send("GET", address)).body.reserved_ip as { locked: boolean }).locked);
  await send("GET", "/v2/reserved_ips");
  await send("GET", "/v2/reserved_ips/198.51.100.1");
  await send("GET", `/v2/droplets/${first!.id}`);
  await send("GET", `/v2/droplets/${first!.id}/actions`);
  await send("GET", "/v2/droplets/1");
  await send("POST", `${address}/actions`, { type: "unassign" });
  await send("POST", `${address}/actions`, { type: "sell" });
  while (((await send("GET", address)).body.reserved_ip as { locked: boolean }).locked);
  await send("DELETE", `/v2/droplets/${first!.id}`);
  await send("DELETE", "/v2/droplets?tag_name=web");
  await send("DELETE", address);
  const disk = { name: "disk", region: "fra1", size_gigabytes: 10, tags: ["web"] };
  const made2 = await send("POST", "/v2/volumes", disk);
  await send("POST", "/v2/volumes", disk);
  await send("GET", "/v2/volumes?name=disk&region=fra1");
  const at = `/v2/volumes/${(made2.body.volume as { id: string }).id}`;
  await send("GET", at);
  await send("DELETE", at);
  await send("GET", at);
  await send("DELETE", `/v2/firewalls/${id}`);
  await send("DELETE", "/v2/tags/web");
  await send("DELETE", `/v2/account/keys/${fingerprint}`);
  expect(exchanges.length).toBeGreaterThan(44);
  expect(exchanges.flatMap((exchange) => check!(exchange))).toEqual([]);
  // And that it would be seen.
  const tag = exchanges.find(
    ({ method, path, status }) => method === "POST" && path === "/v2/tags" && status < 400,
  )!;
  expect(check!({ ...tag, requestBody: { name: "web", colour: "red" }, query: ["side"] })).toEqual([
    "POST /v2/tags 201: request has the unknown colour",
    "POST /v2/tags 201: query has the unknown side",
  ]);
  await cloud.close();
});
