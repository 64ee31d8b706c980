import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeProvider, watchFetch } from "@multicloud/testing/conformance";
import { stringify } from "yaml";
import { createOpenStack } from "../../testing/src/openstack/openstack-cloud.js";
import { fakeWorld } from "../../testing/test/fake-world.js";
import { createOpenStackClient } from "../src/client/index.js";
import { openstack } from "../src/index.js";

const pageSize = 8;
const alice = {
  name: "alice",
  password: "alices-password",
  project: "homelab",
  applicationCredential: { secret: "alices-credential-secret" },
};
const foreignKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio other@desk";

describeProvider({
  name: "openstack",
  async create() {
    const world = fakeWorld();
    const cloud = await createOpenStack(world, {
      name: "home",
      users: [alice],
      networks: [{ name: "homenet", kind: "lan", cidr: "10.20.0.0/16" }],
      quotas: { instances: 60, cores: 240, ram: 60 * 16_384 },
      pageSize,
    });
    const folder = await mkdtemp(join(tmpdir(), "multicloud-openstack-"));
    const cloudsFile = join(folder, "clouds.yaml");
    await writeFile(cloudsFile, stringify({ clouds: { home: cloud.cloudsYaml } }), { mode: 0o600 });
    // Logging in is a POST that changes nothing.
    const fetches = watchFetch(({ path }) => !path.endsWith("/auth/tokens"));
    const provider = () => openstack({ cloud: "home", cloudsFile });
    return {
      provider,
      shape: () => ({ size: "g1.medium", image: "debian-12" }),
      things() {
        const { servers, ...others } = cloud.list();
        return [
          ...servers.map(({ id, name, metadata }) => ({
            kind: "machine",
            name,
            state: `${id} ${JSON.stringify(metadata)}`,
          })),
          ...Object.entries(others).flatMap(([kind, found]) =>
            found.map((thing) => ({ kind, name: thing.name, state: JSON.stringify(thing) })),
          ),
        ];
      },
      writes: fetches.writes,
      secrets: [alice.password, alice.applicationCredential.secret],
      requests: { count: fetches.count, pageSize },
      peakRequests: fetches.peak,
      onWrite: (listener) => world.effects.listen(listener),
      cutCreate: (when) =>
        world.faults.add({ service: "home/nova", method: "POST", path: /servers$/, reset: when }),
      refuse: () =>
        world.faults.add({
          times: 1000,
          status: 403,
          body: {
            forbidden: { code: 403, message: `${alice.applicationCredential.secret} may not do this` },
          },
          headers: { "x-openstack-request-id": "req-of-the-test" },
        }),
      async makeForeign(machine, { cluster, site }) {
        const { nova, neutron, glance } = createOpenStackClient({ cloud: "home", cloudsFile });
        const call = { signal: new AbortController().signal };
        const [[flavor], [image], [network]] = await Promise.all([
          nova.listFlavors(call),
          glance.listImages(call),
          neutron.listNetworks(call),
        ]);
        await nova.createServer(call, {
          name: machine,
          flavorRef: flavor!.id,
          imageRef: image!.id,
          networks: [{ uuid: network!.id }],
          metadata: { owner: "somebody else" },
        });
        const name = `multicloud-${cluster}-${site}`;
        await neutron.createSecurityGroup(call, { name, description: "somebody else's" });
        await nova.createKeypair(call, `${name}-2`, foreignKey);
      },
      firewall: true,
      wrongShape: { shape: { size: "g1.mediun" }, path: "workers.size" },
      async close() {
        fetches.close();
        await cloud.close();
        await rm(folder, { recursive: true });
      },
    };
  },
  machines: 20,
});
