import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { createOpenStack } from "../../testing/src/openstack/openstack-cloud.js";
import { createBareWorld } from "./sandbox.js";
import { describeOpenStack } from "./suite/cases.js";

const quotas = { instances: 100, cores: -1, ram: -1, securityGroups: 20, volumes: 100, gigabytes: 5000 };

describeOpenStack("the emulated OpenStack", async () => {
  const world = createBareWorld();
  const user = (name: string, project: string) => ({ name, project, password: `password-of-${name}` });
  const cloud = await createOpenStack(world, {
    name: "home",
    users: [
      { ...user("alice", "homelab"), applicationCredential: { secret: "secret-of-alices-credential" } },
      user("bob", "attic"),
      user("carol", "cellar"),
    ],
    flavors: [
      { name: "g1.small", vcpus: 1, ram: 2048, disk: 10 },
      { name: "g1.medium", vcpus: 2, ram: 4096, disk: 20 },
      { name: "g1.large", vcpus: 4, ram: 8192, disk: 40 },
      { name: "g1.huge", vcpus: 4096, ram: 8192, disk: 40 },
    ],
    largestHost: { vcpus: 1000 },
    hosts: 1,
    images: [
      { name: "debian-11", properties: { os_distro: "debian" } },
      { name: "debian-12", properties: { os_distro: "debian" }, createdAfterMs: 2000 },
      { name: "ubuntu-24.04", properties: { os_distro: "ubuntu" }, createdAfterMs: 4000 },
    ],
    networks: [
      { name: "internet", kind: "public", cidr: "203.0.113.0/24", external: true },
      { name: "homenet", kind: "lan", cidr: "10.20.0.0/16" },
      { name: "storage", kind: "lan", cidr: "10.30.0.0/16", project: "homelab" },
    ],
    quotas,
    brokenVolumeTypes: ["broken"],
    projectQuotas: {
      cellar: {
        instances: 2,
        cores: 4,
        ram: 8192,
        volumes: 1,
        gigabytes: 20,
        securityGroups: 2,
        floatingIps: 1,
      },
    },
    pageSize: 2,
  });
  const folder = await mkdtemp(join(tmpdir(), "multicloud-openstack-"));
  const cloudsFile = join(folder, "clouds.yaml");
  const password = cloud.cloudsYamlFor("alice", "password");
  const clouds = {
    home: cloud.cloudsYaml,
    "home-password": password,
    "home-paged": password,
    attic: cloud.cloudsYamlFor("bob", "password"),
    cellar: cloud.cloudsYamlFor("carol", "password"),
  };
  await writeFile(cloudsFile, stringify({ clouds }), { mode: 0o600 });
  return {
    cloudsFile,
    pollMs: 1,
    many: 60,
    homePageSize: 2,
    async close() {
      world.clock.stop();
      await cloud.close();
      await rm(folder, { recursive: true });
    },
  };
});
