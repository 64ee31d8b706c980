import { type Route, type Service, startService } from "../world/http-service.js";
import type { World } from "../world/world.js";
import { faultBody, htmlBody, keystoneBody, neutronBody, requestId } from "./answers.js";
import { cinderRoutes } from "./cinder.js";
import { glanceRoutes } from "./glance.js";
import { type CatalogService, keystoneRoutes } from "./keystone.js";
import { neutronRoutes } from "./neutron.js";
import { novaRoutes } from "./nova.js";
import { finishDelete } from "./nova-build.js";
import type { CloudsYamlEntry, OpenStackCloud, OpenStackOptions, OpenStackService } from "./options.js";
import type { User } from "./records.js";
import { listResources } from "./resources.js";
import { createState, newKeystoneId } from "./state.js";

/** Paths in front of the services when the catalog is `odd`. */
const prefixes: Readonly<Record<OpenStackService, string>> = {
  keystone: "/identity",
  nova: "/compute",
  neutron: "/network",
  glance: "/image",
  cinder: "/volume",
};

/**
 * Starts an emulated OpenStack: Keystone, Nova, Neutron, Glance and Cinder, each on a loopback port of its
 * own and as strict as the release 2022.2 ("Zed"). Servers that become `ACTIVE` are booted as machines of the
 * world. In effects and faults its services are called `<name>/keystone`, `<name>/nova` and so on.
 */
export async function createOpenStack(world: World, options: OpenStackOptions): Promise<OpenStackCloud> {
  const state = createState(world, options);
  const odd = options.catalog === "odd";
  const prefix = (service: OpenStackService) => (odd ? prefixes[service] : "");
  const services = {} as Record<OpenStackService, Service>;
  // A token is asked for at the bare address by those who do not know the version.
  const authUrl = () => `${services.keystone.url}${prefix("keystone")}${odd ? "/" : "/v3"}`;

  const start = (
    name: OpenStackService,
    routes: readonly Route[],
    errorBody: (status: number, message: string) => unknown,
  ) =>
    startService({
      name: `${options.name}/${name}`,
      clock: world.clock,
      faults: world.faults,
      routes,
      latencyMs: ({ method, path }) =>
        method === "POST" && path.endsWith("/servers") ? world.timing.createCallMs : world.timing.apiCallMs,
      before: () => {
        const id = requestId();
        return name === "nova" ? { ...id, "x-compute-request-id": id["x-openstack-request-id"]! } : id;
      },
      errorBody,
    });

  const catalog = (user: User): readonly CatalogService[] => {
    const { nova, neutron, glance, cinder } = services;
    const urls = odd
      ? {
          nova: `${nova.url}/compute/v2.1/${user.project.id}`,
          neutron: `${neutron.url}/network/v2.0/`,
          glance: `${glance.url}/image/`,
          cinder: `${cinder.url}/volume`,
        }
      : {
          nova: `${nova.url}/v2.1`,
          neutron: neutron.url,
          glance: glance.url,
          cinder: `${cinder.url}/v3/${user.project.id}`,
        };
    return [
      service("identity", "keystone", `${services.keystone.url}${prefix("keystone")}`),
      service("compute", "nova", urls.nova),
      service("network", "neutron", urls.neutron),
      service("image", "glance", urls.glance),
      service("volumev3", "cinderv3", urls.cinder),
    ];
  };

  const service = (type: string, name: string, url: string): CatalogService => ({
    id: newKeystoneId(),
    type,
    name,
    endpoints: ["public", "internal", "admin"].map((kind) => ({
      id: newKeystoneId(),
      interface: kind,
      region: state.region,
      region_id: state.region,
      url,
    })),
  });

  const novaPath = odd ? "/compute/v2.1/:project" : "/v2.1";
  const neutronPath = `${prefix("neutron")}/v2.0`;
  const [keystone, nova, neutron, glance, cinder] = await Promise.all([
    start("keystone", keystoneRoutes(state, prefix("keystone"), catalog), keystoneBody),
    start("nova", novaRoutes({ state, path: novaPath, authUrl }, prefix("nova")), faultBody),
    start(
      "neutron",
      neutronRoutes({ state, path: neutronPath, authUrl }, prefix("neutron")),
      (status, message) => neutronBody(`HTTP${status}`, message),
    ),
    start("glance", glanceRoutes(state, prefix("glance")), (status, message) =>
      htmlBody(status, "Error", message),
    ),
    start("cinder", cinderRoutes(state, prefix("cinder"), authUrl), faultBody),
  ]);
  Object.assign(services, { keystone, nova, neutron, glance, cinder });

  function cloudsYamlFor(name: string, kind: "password" | "application-credential"): CloudsYamlEntry {
    const user = state.users.find((other) => other.name === name);
    if (!user) throw new Error(`the emulated cloud ${options.name} has no user ${name}`);
    const common = {
      region_name: state.region,
      interface: "public",
      identity_api_version: 3,
    } as const;
    if (kind === "application-credential") {
      if (!user.credential) throw new Error(`user ${name} has no application credential`);
      return {
        auth_type: "v3applicationcredential",
        auth: {
          auth_url: authUrl(),
          application_credential_id: user.credential.id,
          application_credential_secret: user.credential.secret,
        },
        ...common,
      };
    }
    return {
      auth: {
        auth_url: authUrl(),
        username: user.name,
        password: user.password,
        project_name: user.project.name,
        user_domain_name: "Default",
        project_domain_name: "Default",
      },
      ...common,
    };
  }

  const [firstUser] = state.users;
  return {
    name: options.name,
    authUrl: authUrl(),
    cloudsYaml: cloudsYamlFor(firstUser!.name, firstUser!.credential ? "application-credential" : "password"),
    cloudsYamlFor,
    calls: {
      keystone: keystone.calls,
      nova: nova.calls,
      neutron: neutron.calls,
      glance: glance.calls,
      cinder: cinder.calls,
    },
    list: () => listResources(state),
    counts() {
      const all = listResources(state);
      return {
        servers: all.servers.length,
        ports: all.ports.length,
        volumes: all.volumes.length,
        securityGroups: all.securityGroups.length,
        securityGroupRules: all.securityGroupRules.length,
        keypairs: all.keypairs.length,
        floatingIps: all.floatingIps.length,
        serverGroups: all.serverGroups.length,
      };
    },
    expireTokens: () => state.tokens.clear(),
    failBuilds: ({ message, times = 1, leaveVolume }) =>
      void state.failures.push({ message, left: times, leaveVolume }),
    removeServer(id) {
      const server = state.servers.get(id);
      if (server) finishDelete(state, server);
    },
    async close() {
      await Promise.all(Object.values(services).map((running) => running.close()));
    },
  };
}
