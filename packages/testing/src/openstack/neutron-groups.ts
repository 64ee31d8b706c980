import type { Route } from "../world/http-service.js";
import { empty, neutronFault } from "./answers.js";
import {
  invalidInput,
  judgeNeutronQuota,
  type NeutronCall,
  type NeutronSetting,
  neutronBodyOf,
  neutronCollection,
  neutronRoute,
} from "./neutron-call.js";
import { ruleView } from "./neutron-rules.js";
import type { GroupRecord } from "./records.js";
import { addEgressRules, type CloudState, newId, timestamp } from "./state.js";

const fields = ["name", "description", "stateful", "tenant_id", "project_id"];

/** Security groups. Any number may have the same name, but for `default`. */
export function groupRoutes(setting: NeutronSetting): Route[] {
  const { state } = setting;
  const effect = (action: "create" | "update" | "delete", name: string) =>
    state.world.effects.record({ service: `${state.name}/neutron`, kind: "security-group", action, name });
  return [
    neutronRoute(setting, "GET", "/security-groups", (call) =>
      neutronCollection(
        setting,
        call,
        "security_groups",
        "/security-groups",
        groupsOf(state, call).map((group) => view(state, group)),
        ["id", ...fields],
      ),
    ),
    neutronRoute(setting, "GET", "/security-groups/:id", (call) => ({
      status: 200,
      body: { security_group: view(state, findGroup(state, call, call.params.id!)) },
    })),
    neutronRoute(setting, "POST", "/security-groups", async (call) => {
      const body = call.body as { security_group?: unknown } | undefined;
      const given = neutronBodyOf(body?.security_group, "security_group", fields);
      const name = textOf(given, "name");
      if (name === "default") {
        throw neutronFault(
          409,
          "SecurityGroupDefaultAlreadyExists",
          "Default security group already exists.",
        );
      }
      const owned = groupsOf(state, call).length;
      judgeNeutronQuota(owned, 1, call.caller.project.quotas.securityGroups, "security_group");
      const group: GroupRecord = {
        id: newId(),
        name,
        description: textOf(given, "description"),
        project: call.caller.project,
        isDefault: false,
        createdAt: timestamp(state),
      };
      state.groups.set(group.id, group);
      addEgressRules(state, group);
      await effect("create", name);
      return { status: 201, body: { security_group: view(state, group) } };
    }),
    neutronRoute(setting, "PUT", "/security-groups/:id", async (call) => {
      const group = findGroup(state, call, call.params.id!);
      const body = call.body as { security_group?: unknown } | undefined;
      const given = neutronBodyOf(body?.security_group, "security_group", ["name", "description"]);
      if ("name" in given) group.name = textOf(given, "name");
      if ("description" in given) group.description = textOf(given, "description");
      await effect("update", group.name);
      return { status: 200, body: { security_group: view(state, group) } };
    }),
    neutronRoute(setting, "DELETE", "/security-groups/:id", async (call) => {
      const group = findGroup(state, call, call.params.id!);
      if (group.isDefault) {
        throw neutronFault(
          409,
          "SecurityGroupCannotRemoveDefault",
          "Insufficient rights for removing default security group.",
        );
      }
      if ([...state.ports.values()].some((port) => port.groups.includes(group))) {
        throw neutronFault(409, "SecurityGroupInUse", `Security Group ${group.id} in use.`);
      }
      state.groups.delete(group.id);
      for (const rule of [...state.rules.values()]) {
        if (rule.group === group) state.rules.delete(rule.id);
      }
      await effect("delete", group.name);
      return empty(204);
    }),
  ];
}

/** A group of the caller's project. */
export function findGroup(state: CloudState, call: NeutronCall, id: string): GroupRecord {
  const group = state.groups.get(id);
  if (group && group.project === call.caller.project) return group;
  throw neutronFault(404, "SecurityGroupNotFound", `Security group ${id} does not exist`);
}

function groupsOf(state: CloudState, call: NeutronCall): GroupRecord[] {
  return [...state.groups.values()]
    .filter((group) => group.project === call.caller.project)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function textOf(given: Readonly<Record<string, unknown>>, name: string): string {
  const value = given[name] ?? "";
  if (typeof value !== "string") throw invalidInput(name, `'${String(value)}' is not a valid string`);
  if (value.length > 255) throw invalidInput(name, `'${value}' exceeds maximum length of 255`);
  return value;
}

function view(state: CloudState, group: GroupRecord): Record<string, unknown> {
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    stateful: true,
    tenant_id: group.project.id,
    project_id: group.project.id,
    created_at: group.createdAt,
    updated_at: group.createdAt,
    revision_number: 1,
    tags: [],
    security_group_rules: [...state.rules.values()].filter((rule) => rule.group === group).map(ruleView),
  };
}
