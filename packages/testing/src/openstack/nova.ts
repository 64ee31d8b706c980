import type { Route, ServiceRequest } from "../world/http-service.js";
import { type NovaSetting, novaPage, novaRoute } from "./nova-call.js";
import { keypairRoutes } from "./nova-keypairs.js";
import { usageOf } from "./nova-quota.js";
import { serverGroupRoutes } from "./nova-server-groups.js";
import { serverRoutes } from "./nova-servers.js";

/** Nova: servers, key pairs, flavors, limits, zones and the version documents. */
export function novaRoutes(setting: NovaSetting, prefix: string): Route[] {
  const { state } = setting;
  const version = (request: ServiceRequest) => ({
    id: "v2.1",
    status: "CURRENT",
    version: state.microversion,
    min_version: "2.1",
    updated: "2013-07-23T11:33:21Z",
    links: [{ rel: "self", href: `${request.origin}${prefix}/v2.1/` }],
  });
  const flavorView = (flavor: (typeof state.flavors)[number]) => ({
    ...flavor,
    swap: "",
    rxtx_factor: 1,
    "OS-FLV-DISABLED:disabled": false,
    "OS-FLV-EXT-DATA:ephemeral": 0,
    "os-flavor-access:is_public": true,
    links: [],
  });
  return [
    {
      method: "GET",
      path: `${prefix}/`,
      handle: (request) => ({ status: 200, body: { versions: [version(request)] } }),
    },
    {
      method: "GET",
      path: `${prefix}/v2.1`,
      handle: (request) => ({ status: 200, body: { version: version(request) } }),
    },
    ...serverRoutes(setting),
    ...keypairRoutes(setting),
    ...serverGroupRoutes(setting),
    novaRoute(setting, "GET", "/flavors/detail", (call) => {
      const page = novaPage(call, state, "flavors", "/flavors/detail", state.flavors, (f) => f.id);
      return { status: 200, body: { flavors: page.items.map(flavorView), ...page.links } };
    }),
    novaRoute(setting, "GET", "/os-availability-zone", () => ({
      status: 200,
      body: {
        availabilityZoneInfo: state.zones.map((zoneName) => ({
          zoneName,
          zoneState: { available: true },
          hosts: null,
        })),
      },
    })),
    novaRoute(setting, "GET", "/limits", (call) => {
      const used = usageOf(state, call);
      return {
        status: 200,
        body: {
          limits: {
            rate: [],
            absolute: {
              maxTotalInstances: call.caller.project.quotas.instances,
              maxTotalCores: call.caller.project.quotas.cores,
              maxTotalRAMSize: call.caller.project.quotas.ram,
              maxTotalKeypairs: call.caller.project.quotas.keyPairs,
              maxServerGroups: call.caller.project.quotas.serverGroups,
              maxServerGroupMembers: call.caller.project.quotas.serverGroupMembers,
              totalServerGroupsUsed: [...state.serverGroups.values()].filter(
                (group) => group.user.project === call.caller.project,
              ).length,
              maxServerMeta: 128,
              totalInstancesUsed: used.instances,
              totalCoresUsed: used.cores,
              totalRAMUsed: used.ram,
            },
          },
        },
      };
    }),
  ];
}
