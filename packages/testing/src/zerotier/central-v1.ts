import type { Effects } from "../world/effects.js";
import { type Route, ServiceError, type ServiceRequest } from "../world/http-service.js";
import { readMember, readNetwork, showMember, showNetwork } from "./central-v1-fields.js";
import type { Fabric, NetworkRecord } from "./fabric.js";

const base = "/api/v1";

/** What the API of Central needs to know. */
export interface CentralOptions {
  readonly fabric: Fabric;
  readonly effects: Effects;
  readonly token: string;
  /** Counts a request; true when it is one too many. */
  readonly tooMany: () => boolean;
}

/** Legacy Central's answers carry a status and nothing else. */
const status = (code: number) => new ServiceError({ status: code });

/** Token and rate limit. The description of the API has 403 for a missing token on `/network` itself and 401 below it. */
export function guardCentralV1(request: ServiceRequest, options: CentralOptions): void {
  if (!request.path.startsWith(`${base}/`)) return;
  const [scheme = "", given = "", ...rest] = (request.headers.authorization ?? "").split(" ");
  const path = request.path.slice(base.length);
  const open = path === "/status" || path === "/randomToken";
  const right = /^(token|bearer)$/i.test(scheme) && given === options.token && rest.length === 0;
  if (!right && !open) throw status(/^\/network\/?$/.test(path) ? 403 : 401);
  if (options.tooMany()) throw status(429);
}

/** Legacy Central's API v1 (zerotier/docs, `static/openapi/central/v1.json`): status, networks and members. */
export function centralV1Routes({ fabric, effects }: CentralOptions): Route[] {
  const find = (id: string): NetworkRecord => {
    const network = fabric.networks.get(id);
    if (!network) throw status(404);
    if (network.foreign) throw status(403);
    return network;
  };
  const show = (network: NetworkRecord) => showNetwork(network, fabric.members(network.id), fabric.now());
  const nodeId = (text: string) => {
    if (!/^[0-9a-f]{10}$/.test(text)) throw status(404);
    return text;
  };
  const record = (kind: "network" | "member", action: "create" | "update" | "delete", name: string) =>
    effects.record({ service: "zerotier", kind, action, name });
  const route = (method: string, path: string, handle: Route["handle"]): Route => ({
    method,
    path: base + path,
    handle,
  });
  const ok = (body?: unknown) => ({ status: 200, ...(body === undefined ? {} : { body }) });

  return [
    route("GET", "/status", () =>
      ok({
        id: "central_status",
        type: "CentralStatus",
        clock: fabric.now(),
        version: "1.6.5",
        apiVersion: "4",
        uptime: 12_345,
        readOnlyMode: false,
      }),
    ),
    route("GET", "/network", () =>
      ok([...fabric.networks.values()].filter(({ foreign }) => !foreign).map(show)),
    ),
    route("POST", "/network", async ({ body }) => {
      const network = fabric.addNetwork(readNetwork(body), {});
      await record("network", "create", network.name || network.id);
      return ok(show(network));
    }),
    route("GET", "/network/:network", ({ params }) => ok(show(find(params.network!)))),
    route("POST", "/network/:network", async ({ params, body }) => {
      const { id } = find(params.network!);
      const { network, changed } = fabric.changeNetwork(id, readNetwork(body));
      if (changed) await record("network", "update", network.name || id);
      return ok(show(network));
    }),
    route("DELETE", "/network/:network", async ({ params }) => {
      const network = find(params.network!);
      fabric.removeNetwork(network.id);
      await record("network", "delete", network.name || network.id);
      return ok();
    }),
    route("GET", "/network/:network/member", ({ params }) =>
      ok(fabric.members(find(params.network!).id).map((member) => showMember(member, fabric.now()))),
    ),
    route("GET", "/network/:network/member/:node", ({ params }) => {
      const member = fabric.member(find(params.network!).id, nodeId(params.node!));
      if (!member) throw status(404);
      return ok(showMember(member, fabric.now()));
    }),
    route("POST", "/network/:network/member/:node", async ({ params, body }) => {
      const { id } = find(params.network!);
      const change = readMember(body);
      const { member, created, changed } = fabric.changeMember(id, nodeId(params.node!), change);
      if (changed) await record("member", created ? "create" : "update", member.name || member.nodeId);
      return ok(showMember(member, fabric.now()));
    }),
    route("DELETE", "/network/:network/member/:node", async ({ params }) => {
      const { id } = find(params.network!);
      const member = fabric.member(id, nodeId(params.node!));
      if (!member) throw status(404);
      fabric.removeMember(id, member.nodeId);
      await record("member", "delete", member.name || member.nodeId);
      return ok();
    }),
  ];
}
