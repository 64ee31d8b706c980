import { describe, expect, it, onTestFinished } from "vitest";
import { createClock } from "../world/clock.js";
import { createEffects } from "../world/effects.js";
import { createFaults } from "../world/faults.js";
import type { Machines } from "../world/machines.js";
import { instantTiming, type Timing } from "../world/timing.js";
import type { World } from "../world/world.js";
import { createOpenStack } from "./openstack-cloud.js";
import type { OpenStackOptions } from "./options.js";

type Json = Record<string, unknown>;

interface Thing extends Json {
  readonly id: string;
}

/** What the tests read of the answers' JSON; each answer has some of it. */
interface Body extends Json {
  readonly token: {
    readonly catalog: { readonly type: string; readonly endpoints: { readonly url: string }[] }[];
  };
  readonly flavors: Thing[];
  readonly images: Thing[];
  readonly networks: Thing[];
  readonly ports: Thing[];
  readonly servers: (Thing & { readonly name: string })[];
  readonly servers_links: { readonly href: string }[];
  readonly server: Thing & {
    readonly status: string;
    readonly addresses: { readonly net: Json[] };
    readonly "os-extended-volumes:volumes_attached": Thing[];
  };
  readonly security_group: Thing & { readonly security_group_rules: Thing[] };
  readonly floatingip: Thing;
  readonly badRequest: { readonly message: string };
  readonly NeutronError?: { readonly type: string };
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

async function ask(
  method: string,
  url: string,
  options: { readonly token?: string; readonly body?: Json; readonly headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(options.token ? { "x-auth-token": options.token } : {}), ...options.headers },
    ...(options.body ? { body: JSON.stringify(options.body) } : {}),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
}

function passwordBody(password: string): Json {
  const domain = { name: "Default" };
  return {
    auth: {
      identity: {
        methods: ["password"],
        password: { user: { name: "alice", domain, password } },
      },
      scope: { project: { name: "homelab", domain } },
    },
  };
}

async function start(options: Partial<OpenStackOptions> = {}, timing: Partial<Timing> = {}) {
  const world: World = {
    clock: createClock(0),
    effects: createEffects(),
    faults: createFaults(),
    timing: { ...instantTiming, ...timing },
    machines: { boot: () => ({}), destroy: () => {} } as unknown as Machines,
    network: {} as World["network"],
  };
  const cloud = await createOpenStack(world, {
    name: "home",
    users: [{ name: "alice", password: "right-password", project: "homelab" }],
    networks: [{ name: "net", kind: "lan", cidr: "10.1.0.0/24" }],
    ...options,
  });
  onTestFinished(async () => {
    world.clock.stop();
    await cloud.close();
  });
  const login = await ask("POST", `${cloud.authUrl}/auth/tokens`, { body: passwordBody("right-password") });
  const token = login.headers.get("x-subject-token")!;
  const url = (type: string): string =>
    login.body.token.catalog.find((entry) => entry.type === type)!.endpoints[0]!.url;
  const nova = (method: string, path: string, body?: Json, version = "2.93") =>
    ask(method, `${url("compute")}${path}`, {
      token,
      headers: { "openstack-api-version": `compute ${version}` },
      ...(body ? { body } : {}),
    });
  const neutron = (method: string, path: string, body?: Json) =>
    ask(method, `${url("network")}/v2.0${path}`, { token, ...(body ? { body } : {}) });
  const flavors = (await nova("GET", "/flavors/detail")).body.flavors;
  const image = (await ask("GET", `${url("image")}/v2/images`, { token })).body.images[0]!;
  const network = (await neutron("GET", "/networks")).body.networks[0]!;
  const server = (more: Json = {}) => ({
    server: {
      name: "a",
      flavorRef: flavors[0]!.id,
      imageRef: image.id,
      networks: [{ uuid: network.id }],
      ...more,
    },
  });
  return { world, cloud, token, url, nova, neutron, server, image };
}

const unauthorized = "The request you have made requires authentication.";

describe("Keystone", () => {
  it("takes a token back", async () => {
    const { cloud, nova, token } = await start();
    const revoke = () =>
      ask("DELETE", `${cloud.authUrl}/auth/tokens`, { token, headers: { "x-subject-token": token } });
    expect((await revoke()).status).toBe(204);
    expect((await nova("GET", "/servers")).status).toBe(401);
    expect((await revoke()).status).toBe(401);
  });

  it("refuses a wrong password, an unknown project and an unknown field", async () => {
    const { cloud } = await start();
    const tokens = `${cloud.authUrl}/auth/tokens`;
    const wrong = await ask("POST", tokens, { body: passwordBody("wrong-password") });
    expect([wrong.status, wrong.body]).toEqual([
      401,
      { error: { code: 401, message: unauthorized, title: "Unauthorized" } },
    ]);
    const elsewhere = passwordBody("right-password");
    (elsewhere.auth as Json).scope = { project: { name: "other", domain: { id: "default" } } };
    expect((await ask("POST", tokens, { body: elsewhere })).status).toBe(401);
    expect((await ask("POST", tokens, { body: { auth: {}, more: 1 } })).status).toBe(400);
  });

  it("makes tokens that end: services answer 401, Glance with a web page", async () => {
    const { cloud, token, url } = await start();
    cloud.expireTokens();
    const compute = await ask("GET", `${url("compute")}/servers`, { token });
    expect([compute.status, compute.body]).toEqual([
      401,
      { error: { code: 401, title: "Unauthorized", message: unauthorized } },
    ]);
    expect(compute.headers.get("www-authenticate")).toMatch(/^Keystone uri=/);
    const image = await ask("GET", `${url("image")}/v2/images`, { token });
    expect(image.status).toBe(401);
    expect(image.headers.get("content-type")).toContain("text/html");
    expect(image.text).toContain("<title>401 Unauthorized</title>");
  });
});

describe("Nova", () => {
  it.each([
    [{ fancy: 1 }, "2.93", "Additional properties are not allowed ('fancy' was unexpected)"],
    [{ description: "d" }, "2.18", "('description' was unexpected)"],
    [{ tags: ["t"] }, "2.51", "('tags' was unexpected)"],
    [{ networks: undefined }, "2.37", "'networks' is a required property"],
    [{ imageRef: "debian-12" }, "2.93", "'debian-12' is not a 'uuid'"],
    [{ imageRef: "7a1f0c1e-0000-4000-8000-000000000000" }, "2.93", "Can not find requested image"],
    [{ flavorRef: "nosuch" }, "2.93", "Invalid flavorRef provided."],
    [{ key_name: "nosuch" }, "2.93", "Invalid key_name provided."],
    [
      { security_groups: [{ name: "nosuch" }] },
      "2.93",
      "Unable to find security_group with name or id 'nosuch'",
    ],
    [
      { networks: [{ uuid: "7a1f0c1e-0000-4000-8000-000000000000" }] },
      "2.93",
      "Network 7a1f0c1e-0000-4000-8000-000000000000 could not be found.",
    ],
    [{ user_data: "not base64!" }, "2.93", "is not a 'base64'"],
    [{ user_data: "A".repeat(65_536) }, "2.93", "is too long"],
    [{ metadata: { key: 1 } }, "2.93", "1 is not of type 'string'"],
    [{ metadata: { key: "v".repeat(256) } }, "2.93", "is too long"],
  ])("refuses %j at %s", async (more, version, message) => {
    const { nova, server, cloud } = await start();
    const answer = await nova("POST", "/servers", server(more), version);
    expect(answer.status).toBe(400);
    expect(answer.body.badRequest).toMatchObject({ code: 400, message: expect.stringContaining(message) });
    expect(cloud.counts().servers).toBe(0);
  });

  it("knows the type of a boot volume from 2.67 on", async () => {
    const { nova, server, image, cloud } = await start();
    const body = server({
      imageRef: "",
      block_device_mapping_v2: [
        {
          boot_index: 0,
          uuid: image.id,
          source_type: "image",
          destination_type: "volume",
          volume_size: 5,
          volume_type: "fast",
          delete_on_termination: true,
        },
      ],
    });
    expect((await nova("POST", "/servers", body, "2.66")).body.badRequest.message).toContain("volume_type");
    const { id } = (await nova("POST", "/servers", body, "2.67")).body.server;
    expect(cloud.list().volumes).toEqual([expect.objectContaining({ type: "fast", size: 5 })]);
    const shown = (await nova("GET", `/servers/${id}`)).body.server;
    expect(shown.image).toBe("");
    expect(shown["os-extended-volumes:volumes_attached"]).toHaveLength(1);
    const volume = shown["os-extended-volumes:volumes_attached"][0]!.id;
    expect(volume).toBe(cloud.list().volumes[0]?.id);
  });

  it("answers 406 to a microversion that it does not have", async () => {
    const { nova } = await start();
    const answer = await nova("GET", "/servers", undefined, "2.999");
    expect([answer.status, answer.body]).toEqual([
      406,
      {
        computeFault: {
          code: 406,
          message: "Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.93.",
        },
      },
    ]);
  });

  it("takes `name` for a regular expression and ignores a filter by metadata", async () => {
    const { nova, server } = await start();
    for (const name of ["same", "same", "other"]) {
      await nova("POST", "/servers", server({ name, metadata: { owner: name } }));
    }
    const count = async (query: string) =>
      (await nova("GET", `/servers/detail?${query}`)).body.servers.length;
    expect(await count("name=%5Esam")).toBe(2);
    expect(await count("name=e")).toBe(3);
    expect(await count(`metadata=${encodeURIComponent('{"owner":"other"}')}`)).toBe(3);
  });

  it("links pages, also from an exactly full one, and refuses an unknown marker", async () => {
    const { nova, server } = await start({ pageSize: 2 });
    for (const name of ["a", "b", "c"]) await nova("POST", "/servers", server({ name }));
    const first = (await nova("GET", "/servers?limit=50")).body;
    expect(first.servers.map((one) => one.name)).toEqual(["c", "b"]);
    expect(first.servers_links[0]!.href).toContain(`limit=2&marker=${first.servers[1]!.id}`);
    const last = (await nova("GET", `/servers?marker=${first.servers[1]!.id}`)).body;
    expect(last.servers).toHaveLength(1);
    expect(last).not.toHaveProperty("servers_links");
    const unknown = await nova("GET", "/servers?marker=nosuch");
    expect(unknown.body).toEqual({ badRequest: { code: 400, message: "marker [nosuch] not found" } });
  });

  it("counts instances, cores and memory against the quota", async () => {
    const { nova, server } = await start({ quotas: { instances: 2, cores: 1 } });
    expect((await nova("POST", "/servers", server())).status).toBe(202);
    const answer = await nova("POST", "/servers", server());
    expect([answer.status, answer.body]).toEqual([
      403,
      {
        forbidden: {
          code: 403,
          message: "Quota exceeded for cores: Requested 1, but already used 1 of 1 cores",
        },
      },
    ]);
  });

  it("refuses a second key pair of a name, one that is no key, and an unknown field", async () => {
    const { nova } = await start();
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVKXi0gXfDQrJqDDRTkzsFbo2Dh5Ub6hFGRYCnvWoXs a comment";
    const post = (keypair: Json) => nova("POST", "/os-keypairs", { keypair });
    const made = await post({ name: "k", public_key: key });
    expect(made.status).toBe(201);
    expect(made.body.keypair).toMatchObject({
      public_key: key,
      fingerprint: expect.stringMatching(/^(..:){15}..$/),
    });
    const again = await post({ name: "k", public_key: key });
    expect([again.status, again.body]).toEqual([
      409,
      { conflictingRequest: { code: 409, message: "Key pair 'k' already exists." } },
    ]);
    expect((await post({ name: "l", public_key: "ssh-ed25519 nonsense" })).status).toBe(400);
    expect((await post({ name: "m", public_key: key, mark: "x" })).status).toBe(400);
    expect((await nova("DELETE", "/os-keypairs/k")).status).toBe(204);
    expect((await nova("DELETE", "/os-keypairs/k")).status).toBe(404);
  });

  it("passes servers through BUILD, and through deleting to 404", async () => {
    const { nova, server, world } = await start();
    const { id } = (await nova("POST", "/servers", server())).body.server;
    for (let status = ""; status !== "ACTIVE"; ) {
      const shown = (await nova("GET", `/servers/${id}`)).body.server;
      if (shown.status === "BUILD") expect(shown.addresses).toEqual({});
      status = shown.status;
    }
    expect((await nova("DELETE", `/servers/${id}`)).status).toBe(204);
    for (let status = 200; status !== 404; ) status = (await nova("GET", `/servers/${id}`)).status;
    const gone = await nova("DELETE", `/servers/${id}`);
    expect(gone.body).toEqual({ itemNotFound: { code: 404, message: `Instance ${id} could not be found.` } });
    expect(world.effects.all.map((effect) => `${effect.service} ${effect.action} ${effect.kind}`)).toEqual([
      "home/nova create server",
      "home/nova delete server",
    ]);
  });

  it("shows why a build failed, and gives its port back", async () => {
    const { nova, server, cloud } = await start();
    cloud.failBuilds({ message: "No valid host was found. " });
    const { id } = (await nova("POST", "/servers", server())).body.server;
    let shown = { status: "BUILD" } as Json;
    while (shown.status === "BUILD") shown = (await nova("GET", `/servers/${id}`)).body.server;
    expect(shown).toMatchObject({
      status: "ERROR",
      fault: { code: 500, message: "No valid host was found. " },
    });
    expect(cloud.counts().ports).toBe(0);
  });

  it("says in a list nothing of why no host was found, and everything of other failures", async () => {
    const { nova, server, cloud } = await start({ largestHost: { vcpus: 2 } });
    const fault = async (flavorRef?: unknown) => {
      const { id } = (await nova("POST", "/servers", server(flavorRef ? { flavorRef } : {}))).body.server;
      for (;;) {
        const shown = (await nova("GET", `/servers/${id}`)).body.server as Json;
        if (shown.status === "BUILD") continue;
        const { servers } = (await nova("GET", "/servers/detail")).body;
        return [shown.fault, (servers.find((one) => one.id === id) as Json).fault];
      }
    };
    const { flavors } = (await nova("GET", "/flavors/detail")).body;
    const noHost = expect.objectContaining({ message: "No valid host was found. " });
    expect(await fault(flavors.find((flavor) => flavor.vcpus === 4)!.id)).toEqual([noHost, undefined]);
    cloud.failBuilds({ message: "it broke" });
    const broke = expect.objectContaining({ message: "it broke" });
    expect(await fault()).toEqual([broke, broke]);
  });

  it("begins a page after a server that is gone, and refuses a marker that never was", async () => {
    const { nova, server, cloud } = await start({ pageSize: 2 });
    for (const name of ["a", "b", "c", "d"]) await nova("POST", "/servers", server({ name }));
    const first = (await nova("GET", "/servers")).body;
    cloud.removeServer(first.servers[1]!.id);
    const second = await nova("GET", `/servers?marker=${first.servers[1]!.id}`);
    expect(second.body.servers.map(({ name }) => name)).toEqual(["b", "a"]);
    expect((await nova("GET", "/servers?marker=nosuch")).status).toBe(400);
  });

  it("keeps server groups with their members, and takes one policy in the way of each version", async () => {
    const { nova, server, cloud } = await start({ quotas: { serverGroups: 2 } });
    const post = (group: Json, version = "2.93") =>
      nova("POST", "/os-server-groups", { server_group: { name: "g", ...group } }, version);
    expect((await post({ policies: ["anti-affinity"] })).status).toBe(400);
    expect((await post({ policy: "far-away" })).status).toBe(400);
    expect((await post({ policies: ["soft-anti-affinity"] }, "2.14")).status).toBe(400);
    const { id } = (await post({ policy: "soft-anti-affinity" })).body.server_group as Thing;
    const hints = { "os:scheduler_hints": { group: id } };
    await nova("POST", "/servers", { ...server(), ...hints });
    const members = [cloud.list().servers[0]!.id];
    expect((await nova("GET", "/os-server-groups")).body.server_groups).toEqual([
      expect.objectContaining({ id, name: "g", policy: "soft-anti-affinity", members }),
    ]);
    const unknown = { "os:scheduler_hints": { group: "11111111-1111-4111-8111-111111111111" } };
    expect((await nova("POST", "/servers", { ...server(), ...unknown })).status).toBe(400);
    await post({ policy: "affinity" });
    expect((await post({ policy: "affinity" })).status).toBe(403);
    expect((await nova("DELETE", `/os-server-groups/${id}`)).status).toBe(204);
    expect((await nova("DELETE", `/os-server-groups/${id}`)).status).toBe(404);
  });

  it("gives an asked for address only in a project's own network, once, and only one of its range", async () => {
    const { nova, neutron, server } = await start({
      networks: [
        { name: "net", kind: "lan", cidr: "10.1.0.0/24" },
        { name: "own", kind: "lan", cidr: "10.2.0.0/24", project: "homelab" },
      ],
    });
    const { networks } = (await neutron("GET", "/networks")).body;
    const id = (name: string) => networks.find((network) => network.name === name)!.id;
    const post = (uuid: string, fixed_ip: string) =>
      nova("POST", "/servers", server({ networks: [{ uuid, fixed_ip }] }));
    const end = async (answer: Answer) => {
      for (;;) {
        const shown = (await nova("GET", `/servers/${answer.body.server.id}`)).body.server as Json;
        if (shown.status !== "BUILD") return shown;
      }
    };
    const first = await end(await post(id("own"), "10.2.0.77"));
    expect(first.addresses).toMatchObject({ own: [{ addr: "10.2.0.77" }] });
    const again = await post(id("own"), "10.2.0.77");
    expect([again.status, again.body.badRequest.message]).toEqual([
      400,
      `Fixed IP address 10.2.0.77 is already in use on instance ${first.id}.`,
    ]);
    const outside = await end(await post(id("own"), "10.99.0.77"));
    expect((outside.fault as Json).message).toContain("Fixed IP 10.99.0.77 is not a valid ip address");
    const elsewhere = await end(await post(id("net"), "10.1.0.77"));
    expect((elsewhere.fault as Json).message).toContain("Exceeded maximum number of retries.");
  });

  it("lets a port that somebody made stay when its server goes, for one server at a time", async () => {
    const { nova, neutron, server, cloud } = await start();
    const network_id = (await neutron("GET", "/networks")).body.networks[0]!.id;
    const port = { name: "p", description: "mine", network_id };
    const { id } = (await neutron("POST", "/ports", { port })).body.port as Thing;
    const made = await nova("POST", "/servers", server({ networks: [{ port: id }] }));
    expect(made.status).toBe(202);
    const second = await nova("POST", "/servers", server({ networks: [{ port: id }] }));
    expect(second.body.conflictingRequest).toEqual({ code: 409, message: `Port ${id} is still in use.` });
    cloud.removeServer(made.body.server.id);
    expect((await neutron("GET", "/ports")).body.ports).toEqual([
      expect.objectContaining({ id, device_id: "", description: "mine" }),
    ]);
    expect((await neutron("DELETE", `/ports/${id}`)).status).toBe(204);
    expect((await neutron("DELETE", `/ports/${id}`)).status).toBe(404);
  });

  it("has quotas by project", async () => {
    const { nova, server } = await start({ projectQuotas: { homelab: { instances: 1 } } });
    expect((await nova("POST", "/servers", server())).status).toBe(202);
    expect((await nova("POST", "/servers", server())).status).toBe(403);
  });

  it("hides the projects from each other", async () => {
    const { cloud, nova, server } = await start({
      users: [
        { name: "alice", password: "right-password", project: "homelab" },
        { name: "eve", password: "eves-password", project: "elsewhere" },
      ],
    });
    await nova("POST", "/servers", server());
    const body = passwordBody("eves-password");
    const auth = body.auth as { identity: { password: { user: Json } }; scope: { project: Json } };
    auth.identity.password.user.name = "eve";
    auth.scope.project.name = "elsewhere";
    const login = await ask("POST", `${cloud.authUrl}/auth/tokens`, { body });
    const token = login.headers.get("x-subject-token")!;
    const compute = login.body.token.catalog[1]!.endpoints[0]!.url;
    expect((await ask("GET", `${compute}/servers`, { token })).body.servers).toEqual([]);
    const id = cloud.list().servers[0]!.id;
    expect((await ask("DELETE", `${compute}/servers/${id}`, { token })).status).toBe(404);
  });
});

describe("Neutron", () => {
  it("keeps a security group while a port has it", async () => {
    const { nova, neutron, server } = await start({}, { deleteMs: 0 });
    const group = (await neutron("POST", "/security-groups", { security_group: { name: "g" } })).body
      .security_group;
    expect(group.security_group_rules).toHaveLength(2);
    const { id } = (await nova("POST", "/servers", server({ security_groups: [{ name: group.id }] }))).body
      .server;
    const busy = await neutron("DELETE", `/security-groups/${group.id}`);
    expect([busy.status, busy.body.NeutronError?.type]).toEqual([409, "SecurityGroupInUse"]);
    await nova("DELETE", `/servers/${id}`);
    for (let status = 200; status !== 404; ) status = (await nova("GET", `/servers/${id}`)).status;
    expect((await neutron("DELETE", `/security-groups/${group.id}`)).status).toBe(204);
  });

  it("refuses a rule twice, an unknown attribute, a filter it does not know, and more than the quota", async () => {
    const { neutron } = await start({ quotas: { securityGroups: 2 } });
    const group = (await neutron("POST", "/security-groups", { security_group: { name: "g" } })).body
      .security_group;
    const rule = {
      security_group_id: group.id,
      direction: "ingress",
      protocol: "tcp",
      port_range_min: 22,
      port_range_max: 22,
    };
    const post = async (more: Json) => {
      const answer = await neutron("POST", "/security-group-rules", {
        security_group_rule: { ...rule, ...more },
      });
      return [answer.status, answer.body.NeutronError?.type];
    };
    expect(await post({})).toEqual([201, undefined]);
    expect(await post({ remote_ip_prefix: "0.0.0.0/0" })).toEqual([409, "SecurityGroupRuleExists"]);
    expect(await post({ port: 22 })).toEqual([400, "HTTPBadRequest"]);
    expect(await post({ ethertype: "IPv6", remote_ip_prefix: "10.0.0.0/8" })).toEqual([
      400,
      "SecurityGroupRuleParameterConflict",
    ]);
    const filtered = await neutron("GET", "/security-groups?owner=me");
    expect([filtered.status, filtered.body.NeutronError?.type]).toEqual([400, "HTTPBadRequest"]);
    const over = await neutron("POST", "/security-groups", { security_group: { name: "h" } });
    expect([over.status, over.body]).toEqual([
      409,
      {
        NeutronError: {
          type: "OverQuota",
          message: "Quota exceeded for resources: ['security_group'].",
          detail: "",
        },
      },
    ]);
  });

  it("gives a floating IP to a port and takes it back with the server", async () => {
    const { nova, neutron, server, cloud } = await start({
      networks: [
        { name: "net", kind: "lan", cidr: "10.1.0.0/24" },
        { name: "ext", kind: "public", cidr: "203.0.113.0/24", external: true },
      ],
    });
    const { id } = (await nova("POST", "/servers", server())).body.server;
    let shown = { status: "BUILD" } as Json;
    while (shown.status === "BUILD") shown = (await nova("GET", `/servers/${id}`)).body.server;
    const port = (await neutron("GET", `/ports?device_id=${id}`)).body.ports[0]!;
    const external = (await neutron("GET", "/networks?name=ext")).body.networks[0]!;
    const ip = await neutron("POST", "/floatingips", {
      floatingip: { floating_network_id: external.id, port_id: port.id },
    });
    expect(ip.status).toBe(201);
    const { addresses } = (await nova("GET", `/servers/${id}`)).body.server;
    expect(addresses.net.map((one) => [one["OS-EXT-IPS:type"], one.addr])).toEqual([
      ["fixed", "10.1.0.10"],
      ["floating", "203.0.113.10"],
    ]);
    cloud.removeServer(id);
    expect(cloud.counts()).toMatchObject({ ports: 0, floatingIps: 1 });
    expect((await neutron("DELETE", `/floatingips/${ip.body.floatingip.id}`)).status).toBe(204);
  });
});

describe("Glance and Cinder", () => {
  it("give a link to an empty page, and refuse a foreign project and another service's microversion", async () => {
    const { token, url } = await start();
    const page = (await ask("GET", `${url("image")}/v2/images?limit=1`, { token })).body;
    expect(page.next).toMatch(/^\/v2\/images\?limit=1&marker=/);
    expect((await ask("GET", `${url("image")}${page.next}`, { token })).body.images).toEqual([]);
    const volumes = `${url("volumev3")}/types`;
    const headers = { "openstack-api-version": "compute 2.93" };
    expect((await ask("GET", volumes, { token, headers })).status).toBe(400);
    expect((await ask("GET", volumes.replace(/v3\/[^/]+/, "v3/other"), { token })).status).toBe(400);
    expect((await ask("GET", volumes, { token })).status).toBe(200);
  });

  it("refuse a volume over the quota with 413, and the deletion of one in use with 400", async () => {
    const { token, url, nova, server, image, cloud } = await start({ quotas: { volumes: 1 } });
    const device = {
      boot_index: 0,
      uuid: image.id,
      source_type: "image",
      destination_type: "volume",
      volume_size: 5,
    };
    await nova("POST", "/servers", server({ block_device_mapping_v2: [device] }));
    const volumes = `${url("volumev3")}/volumes`;
    const over = await ask("POST", volumes, { token, body: { volume: { size: 1 } } });
    expect(over.status).toBe(413);
    expect(over.body.overLimit).toEqual({
      code: 413,
      message: "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'.",
      retryAfter: "0",
    });
    const id = cloud.list().volumes[0]!.id;
    expect((await ask("DELETE", `${volumes}/${id}`, { token })).status).toBe(400);
  });
});
