import { describeProvider, type ProviderSuite, watchFetch } from "@multicloud/testing/conformance";
import { createDigitalOcean } from "../../testing/src/digitalocean/digitalocean-cloud.js";
import { fakeWorld } from "../../testing/test/fake-world.js";
import { digitalocean } from "../src/index.js";

const pageSize = 200;

/** The suite, for machines with these options. */
const suite = (name: string, providerOptions?: Readonly<Record<string, unknown>>): ProviderSuite => ({
  name,
  async create() {
    const world = fakeWorld();
    const cloud = await createDigitalOcean(world, { dropletLimit: 60, reservedIpLimit: 60 });
    const fetches = watchFetch(({ origin }) => origin === cloud.url);
    const headers = { authorization: `Bearer ${cloud.token}` };
    const post = async (path: string, body: unknown) => {
      const { status } = await fetch(`${cloud.url}${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      if (status >= 300) throw new Error(`the harness's own ${path} was answered with ${status}`);
    };
    return {
      provider: () =>
        digitalocean({
          region: "fra1",
          token: cloud.token,
          baseURL: cloud.url,
          requestsPerMinute: 100_000,
        }),
      shape: () => ({
        size: "s-2vcpu-4gb",
        image: "debian-12-x64",
        ...(providerOptions ? { providerOptions } : {}),
      }),
      things() {
        const { droplets, keys, firewalls, tags, volumes, reservedIps } = cloud.list();
        const named = (kind: string, names: readonly string[]) => names.map((name) => ({ kind, name }));
        return [
          ...droplets
            .filter(({ deleting }) => !deleting)
            .map((droplet) => ({
              kind: "machine",
              name: droplet.name,
              state: [droplet.id, ...droplet.tags].join(" "),
            })),
          ...keys.map(({ name, id }) => ({ kind: "key", name, state: String(id) })),
          ...firewalls.map(({ name, id }) => ({ kind: "firewall", name, state: id })),
          ...named("tag", tags),
          ...named("volume", volumes),
          ...named("reserved IP", reservedIps),
        ];
      },
      writes: fetches.writes,
      secrets: [cloud.token],
      requests: { count: fetches.count, pageSize },
      peakRequests: fetches.peak,
      onWrite: (listener) => world.effects.listen(listener),
      cutCreate: (when) =>
        world.faults.add({ service: "digitalocean", method: "POST", path: /droplets$/, reset: when }),
      refuse: () =>
        world.faults.add({
          service: "digitalocean",
          times: 1000,
          status: 403,
          body: { id: "forbidden", message: `${cloud.token} may not do this` },
          headers: { "x-request-id": "request-of-the-test" },
        }),
      async makeForeign(machine, { cluster, site }) {
        await post("/v2/droplets", {
          name: machine,
          region: "fra1",
          size: "s-2vcpu-4gb",
          image: "debian-12-x64",
          tags: [`${cluster}-${site}`],
        });
        await post("/v2/firewalls", {
          name: `multicloud-${cluster}-${site}`,
          inbound_rules: [{ protocol: "tcp", ports: "22", sources: { addresses: ["0.0.0.0/0"] } }],
        });
        await post("/v2/tags", { name: `multicloud-${cluster}` });
      },
      firewall: true,
      wrongShape: { shape: { size: "s-2vcpu-4gbb" }, path: "workers.size" },
      async close() {
        fetches.close();
        await cloud.close();
      },
    };
  },
  machines: 20,
});

describeProvider(suite("digitalocean"));
describeProvider(
  suite("digitalocean, with addresses and volumes", { reservedIp: true, volume: { sizeGiB: 10 } }),
);
