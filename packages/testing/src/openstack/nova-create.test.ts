import { describe, expect, it } from "vitest";
import { type Answer, type Json, start, type Thing } from "../../test/bare-openstack.js";

describe("Nova, asked for a server,", () => {
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

  it("keeps the members of a group on hosts of their own, as many as there are and the quota allows", async () => {
    const { nova, server } = await start({ hosts: 1, quotas: { serverGroupMembers: 2 } });
    const group = { server_group: { name: "g", policy: "anti-affinity" } };
    const { id } = (await nova("POST", "/os-server-groups", group)).body.server_group as Thing;
    const post = () => nova("POST", "/servers", { ...server(), "os:scheduler_hints": { group: id } });
    const built = async () => {
      const made = (await post()).body.server.id;
      for (;;) {
        const shown = (await nova("GET", `/servers/${made}`)).body.server;
        if (shown.status !== "BUILD") return shown;
      }
    };
    expect(await built()).toMatchObject({ status: "ACTIVE" });
    expect(await built()).toMatchObject({
      status: "ERROR",
      fault: { message: "No valid host was found. " },
    });
    const third = await post();
    expect([third.status, third.body.forbidden]).toEqual([
      403,
      { code: 403, message: "Quota exceeded, too many servers in group" },
    ]);
    expect((await nova("GET", "/limits")).body.limits).toMatchObject({
      absolute: { maxServerGroupMembers: 2, totalServerGroupsUsed: 1 },
    });
  });

  it("refuses a server for whose port there is no room", async () => {
    const { nova, server, neutron, cloud } = await start({ quotas: { ports: 1 } });
    expect((await nova("POST", "/servers", server())).status).toBe(202);
    const second = await nova("POST", "/servers", server());
    expect([second.status, second.body.forbidden]).toEqual([
      403,
      { code: 403, message: "Maximum number of ports exceeded" },
    ]);
    const [{ id: network }] = (await neutron("GET", "/networks")).body.networks as [Thing];
    const port = await neutron("POST", "/ports", { port: { network_id: network } });
    expect([port.status, port.body.NeutronError?.type]).toEqual([409, "OverQuota"]);
    expect(cloud.counts()).toMatchObject({ servers: 1 });
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
});
