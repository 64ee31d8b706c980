import { expect, it } from "vitest";
import { createOpenStackClient } from "../src/client/index.js";
import { openstack } from "../src/index.js";
import { createContext, createTestWorld, effectsOf, shared, small, startCloud, until } from "./sandbox.js";

/** A cloud with an external network, and a machine with a floating IP in it. */
async function siteWithMachine() {
  const world = createTestWorld();
  const cloud = await startCloud(world, {
    networks: [
      { name: "internet", kind: "public", cidr: "203.0.113.0/24", external: true },
      { name: "homenet", kind: "lan", cidr: "10.20.0.0/16" },
    ],
  });
  const options = { cloud: "home", cloudsFile: cloud.cloudsFile, floatingIp: true };
  const context = createContext();
  const provider = () => openstack(options);
  await provider().ensureShared(context, shared);
  await provider().create(context, [small("multicloud-home-worker-1")]);
  await until(
    () => provider().list(context),
    ([machine]) => machine?.publicAddress !== undefined,
  );
  const { neutron } = createOpenStackClient(options);
  const [port] = await neutron.listPorts(context);
  const [ip] = await neutron.listFloatingIps(context);
  return { world, cloud, context, provider, neutron, port: port!, ip: ip! };
}

it("what a machine has is not left over, also while it is only being made", async () => {
  const { world, cloud, context, provider } = await siteWithMachine();
  const before = effectsOf(world);
  await provider().ensureShared(context, shared);
  expect(effectsOf(world)).toEqual(before);
  expect(cloud.counts()).toMatchObject({ ports: 1, floatingIps: 1 });
});

it("what others have, with a mark or without, is not taken", async () => {
  const { cloud, context, provider, neutron, port, ip } = await siteWithMachine();
  const other = createContext({ cluster: "other" });
  const foreign = await neutron.createPort(context, {
    name: "multicloud-home-worker-2",
    description: "",
    network_id: port.network_id,
    security_groups: [],
  });
  await neutron.createPort(context, {
    name: "other-home-worker-1",
    description: port.description.replace("cluster=multicloud", "cluster=other"),
    network_id: port.network_id,
    security_groups: [],
  });
  // Somebody takes our floating IP to a port of theirs.
  await neutron.deleteFloatingIp(context, ip.id);
  const outer = (await neutron.listNetworks(context)).find((network) => network["router:external"])!;
  await neutron.createFloatingIp(context, {
    floating_network_id: outer.id,
    port_id: foreign.id,
    description: ip.description,
  });
  await provider().ensureShared(context, shared);
  expect(cloud.counts()).toMatchObject({ ports: 3, floatingIps: 1 });
  await provider().ensureShared(other, shared);
  expect(cloud.counts()).toMatchObject({ ports: 2, floatingIps: 1 });
});

it("what is left over goes with the next run that wants no such machine", async () => {
  const { cloud, context, provider, neutron, port } = await siteWithMachine();
  cloud.removeServer((await provider().list(context))[0]!.id);
  // Nova lets go of a port that it did not make.
  expect(cloud.counts()).toMatchObject({ servers: 0, ports: 1, floatingIps: 1 });
  await provider().ensureShared(context, shared);
  expect(cloud.counts()).toMatchObject({ ports: 0, floatingIps: 0 });

  await neutron.createPort(context, {
    name: "multicloud-home-worker-7",
    description: port.description.replace("worker-1", "worker-7"),
    network_id: port.network_id,
    security_groups: [],
  });
  await provider().deleteShared(context);
  expect(Object.values(cloud.counts()).every((count) => count === 0)).toBe(true);
});
