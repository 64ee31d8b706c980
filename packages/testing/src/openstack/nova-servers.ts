import type { Route } from "../world/http-service.js";
import { empty, fault } from "./answers.js";
import { isAtLeast } from "./microversion.js";
import { actOn } from "./nova-actions.js";
import { startDelete } from "./nova-build.js";
import { type NovaCall, type NovaSetting, novaPage, novaRoute } from "./nova-call.js";
import { createServers } from "./nova-create.js";
import { serverLinks, serverView } from "./nova-view.js";
import { PagingError } from "./paging.js";
import type { ServerRecord } from "./records.js";
import type { CloudState } from "./state.js";

/** Servers: create, list, show, freeze, delete. */
export function serverRoutes(setting: NovaSetting): Route[] {
  const { state } = setting;
  /** A page may begin after a server that is gone: Nova keeps the rows of deleted ones. */
  const isAfter = (server: ServerRecord, marker: string) => {
    const place = state.serverHistory.indexOf(marker);
    if (place < 0) throw new PagingError(`marker [${marker}]`);
    return state.serverHistory.indexOf(server.id) < place;
  };
  const listing = (path: string, view: (call: NovaCall, server: ServerRecord) => unknown) =>
    novaRoute(setting, "GET", path, (call) => {
      const all = matching(state, call);
      const { items, links } = novaPage(call, state, "servers", path, all, (server) => server.id, isAfter);
      return { status: 200, body: { servers: items.map((server) => view(call, server)), ...links } };
    });
  return [
    listing("/servers/detail", (call, server) => serverView(state, call, server, "list")),
    listing("/servers", (call, server) => ({
      id: server.id,
      name: server.name,
      links: serverLinks(call, server),
    })),
    novaRoute(setting, "POST", "/servers", (call) => createServers(setting, call)),
    novaRoute(setting, "GET", "/servers/:id", (call) => ({
      status: 200,
      body: { server: serverView(state, call, find(state, call), "show") },
    })),
    novaRoute(setting, "POST", "/servers/:id/action", (call) => actOn(state, call, find(state, call))),
    novaRoute(setting, "DELETE", "/servers/:id", async (call) => {
      const server = find(state, call);
      if (server.taskState !== "deleting") {
        startDelete(state, server);
        await state.world.effects.record({
          service: `${state.name}/nova`,
          kind: "server",
          action: "delete",
          name: server.name,
        });
      }
      return empty(204);
    }),
  ];
}

function find(state: CloudState, call: NovaCall): ServerRecord {
  const id = call.params.id!;
  const server = state.servers.get(id);
  if (server && server.user.project === call.caller.project) return server;
  throw fault(404, `Instance ${id} could not be found.`);
}

/** Query parameters that filter for a plain user; the schema lets through more than that. */
const queryParameters = new Set([
  "name",
  "status",
  "tags",
  "limit",
  "marker",
  "sort_key",
  "sort_dir",
  "metadata",
  "image",
  "flavor",
  "ip",
  "changes-since",
  "all_tenants",
  "reservation_id",
]);

/** The caller's servers, newest first. `name` is a regular expression, and `metadata` does nothing for a plain user. */
function matching(state: CloudState, call: NovaCall): readonly ServerRecord[] {
  if (isAtLeast(call.version, "2.75")) {
    const unknown = [...call.query.keys()].filter((name) => !queryParameters.has(name));
    if (unknown.length > 0) {
      throw fault(400, `Additional properties are not allowed ('${unknown[0]}' was unexpected)`);
    }
  }
  if (["1", "true", "True"].includes(call.query.get("all_tenants") ?? "")) {
    throw fault(403, "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed.");
  }
  const name = pattern(call.query.get("name"));
  const status = call.query.get("status");
  const tags = isAtLeast(call.version, "2.26") ? call.query.get("tags") : null;
  return [...state.servers.values()]
    .filter((server) => server.user.project === call.caller.project)
    .filter((server) => !name || name.test(server.name))
    .filter((server) => status === null || server.status === status.toUpperCase())
    .filter((server) => tags === null || tags.split(",").every((tag) => server.tags.includes(tag)))
    .reverse();
}

function pattern(source: string | null): RegExp | undefined {
  if (source === null) return undefined;
  try {
    // Databases compare without case.
    return new RegExp(source, "i");
  } catch {
    throw fault(400, `Invalid filter field: name.`);
  }
}
