import { describe, expect, it } from "vitest";
import { type Json, start } from "../../test/bare-openstack.js";

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
