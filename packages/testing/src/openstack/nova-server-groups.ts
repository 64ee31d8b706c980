import type { Route } from "../world/http-service.js";
import { empty, fault } from "./answers.js";
import { list, object, oneOf, text } from "./fields.js";
import { isAtLeast } from "./microversion.js";
import { judgeBody, type NovaCall, type NovaSetting, novaRoute } from "./nova-call.js";
import type { ServerGroupRecord } from "./records.js";
import { type CloudState, newId } from "./state.js";

/** Server groups: one policy each, which from microversion 2.64 is a member of its own; the `soft-` ones are from 2.15. */
export function serverGroupRoutes(setting: NovaSetting): Route[] {
  const { state } = setting;
  const owned = (call: NovaCall) =>
    [...state.serverGroups.values()].filter((group) => group.user.project === call.caller.project);
  const find = (call: NovaCall): ServerGroupRecord => {
    const group = state.serverGroups.get(call.params.id!);
    if (group && group.user.project === call.caller.project) return group;
    throw fault(404, `Instance group ${call.params.id} could not be found.`);
  };
  const effect = (action: "create" | "delete", name: string) =>
    state.world.effects.record({ service: `${state.name}/nova`, kind: "server-group", action, name });
  const view = (call: NovaCall, group: ServerGroupRecord) => ({
    id: group.id,
    name: group.name,
    members: membersOf(state, group),
    ...(isAtLeast(call.version, "2.64")
      ? { policy: group.policy, rules: {} }
      : { policies: [group.policy], metadata: {} }),
    ...(isAtLeast(call.version, "2.13") ? { project_id: group.user.project.id, user_id: group.user.id } : {}),
  });
  return [
    // Paged by `limit` and `offset`, without links.
    novaRoute(setting, "GET", "/os-server-groups", (call) => {
      const offset = Number(call.query.get("offset") ?? 0);
      const limit = Math.min(Number(call.query.get("limit") ?? state.pageSize), state.pageSize);
      const page = owned(call).slice(offset, offset + limit);
      return { status: 200, body: { server_groups: page.map((group) => view(call, group)) } };
    }),
    novaRoute(setting, "GET", "/os-server-groups/:id", (call) => ({
      status: 200,
      body: { server_group: view(call, find(call)) },
    })),
    novaRoute(setting, "POST", "/os-server-groups", async (call) => {
      const soft = isAtLeast(call.version, "2.15") ? ["soft-affinity", "soft-anti-affinity"] : [];
      const policy = oneOf(["anti-affinity", "affinity", ...soft]);
      const single = isAtLeast(call.version, "2.64");
      const fields = {
        name: text({ min: 1, max: 255 }),
        ...(single ? { policy } : { policies: list(policy) }),
      };
      const required = ["name", single ? "policy" : "policies"];
      judgeBody(call.body, object({ server_group: object(fields, required) }, ["server_group"]));
      const given = (call.body as { server_group: { name: string; policy?: string; policies?: string[] } })
        .server_group;
      const most = call.caller.project.quotas.serverGroups;
      if (most >= 0 && owned(call).length >= most)
        throw fault(403, "Quota exceeded, too many server groups.");
      const group = {
        id: newId(),
        name: given.name,
        user: call.caller,
        policy: given.policy ?? given.policies![0]!,
      };
      state.serverGroups.set(group.id, group);
      await effect("create", group.name);
      return { status: 200, body: { server_group: view(call, group) } };
    }),
    novaRoute(setting, "DELETE", "/os-server-groups/:id", async (call) => {
      const group = find(call);
      // Its members may still be there; they lose nothing but the policy.
      state.serverGroups.delete(group.id);
      await effect("delete", group.name);
      return empty(204);
    }),
  ];
}

/** Ids of the servers that were made in a group. */
export function membersOf(state: CloudState, group: ServerGroupRecord): readonly string[] {
  return [...state.servers.values()].filter((server) => server.serverGroup === group).map(({ id }) => id);
}
