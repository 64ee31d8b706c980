import { isIPv4, isIPv6 } from "node:net";
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
import { findGroup } from "./neutron-groups.js";
import type { RuleRecord } from "./records.js";
import { addRule, type CloudState } from "./state.js";

const fields = [
  "security_group_id",
  "direction",
  "ethertype",
  "protocol",
  "port_range_min",
  "port_range_max",
  "remote_ip_prefix",
  "remote_group_id",
  "description",
  "tenant_id",
  "project_id",
];

/** Rules of security groups; several may be made by one call, all or none. */
export function ruleRoutes(setting: NeutronSetting): Route[] {
  const { state } = setting;
  const effect = (action: "create" | "delete", rule: RuleRecord) =>
    state.world.effects.record({
      service: `${state.name}/neutron`,
      kind: "security-group-rule",
      action,
      name: `${rule.group.name} ${rule.direction} ${rule.ethertype} ${rule.protocol ?? "any"} ${rule.min ?? "any"}`,
    });
  const owned = (call: NeutronCall) =>
    [...state.rules.values()].filter((rule) => rule.group.project === call.caller.project);
  return [
    neutronRoute(setting, "GET", "/security-group-rules", (call) =>
      neutronCollection(
        setting,
        call,
        "security_group_rules",
        "/security-group-rules",
        owned(call).map(ruleView),
        ["id", ...fields],
      ),
    ),
    neutronRoute(setting, "POST", "/security-group-rules", async (call) => {
      const body = call.body as { security_group_rule?: unknown; security_group_rules?: unknown } | undefined;
      const many = body?.security_group_rules;
      const given = Array.isArray(many) ? many : [body?.security_group_rule];
      const wanted = given.map((one) => readRule(state, call, one));
      wanted.forEach((rule, index) => {
        const same = (other: Omit<RuleRecord, "id">) => identity(other) === identity(rule);
        const existing = [...state.rules.values()].find(same);
        if (existing) {
          throw neutronFault(
            409,
            "SecurityGroupRuleExists",
            `Security group rule already exists. Rule id is ${existing.id}.`,
          );
        }
        if (wanted.slice(0, index).some(same)) {
          throw neutronFault(
            400,
            "DuplicateSecurityGroupRuleInPost",
            "Duplicate Security Group Rule in POST.",
          );
        }
      });
      judgeNeutronQuota(
        owned(call).length,
        wanted.length,
        call.caller.project.quotas.securityGroupRules,
        "security_group_rule",
      );
      const made = wanted.map((rule) => addRule(state, rule));
      for (const rule of made) await effect("create", rule);
      return {
        status: 201,
        body: Array.isArray(many)
          ? { security_group_rules: made.map(ruleView) }
          : { security_group_rule: ruleView(made[0]!) },
      };
    }),
    neutronRoute(setting, "DELETE", "/security-group-rules/:id", async (call) => {
      const id = call.params.id!;
      const rule = state.rules.get(id);
      if (!rule || rule.group.project !== call.caller.project) {
        throw neutronFault(404, "SecurityGroupRuleNotFound", `Security group rule ${id} does not exist`);
      }
      state.rules.delete(id);
      await effect("delete", rule);
      return empty(204);
    }),
  ];
}

export function ruleView(rule: RuleRecord): Record<string, unknown> {
  return {
    id: rule.id,
    security_group_id: rule.group.id,
    direction: rule.direction,
    ethertype: rule.ethertype,
    protocol: rule.protocol,
    port_range_min: rule.min,
    port_range_max: rule.max,
    remote_ip_prefix: rule.prefix,
    remote_group_id: rule.remoteGroup,
    description: rule.description,
    tenant_id: rule.group.project.id,
    project_id: rule.group.project.id,
  };
}

function readRule(state: CloudState, call: NeutronCall, body: unknown): Omit<RuleRecord, "id"> {
  const given = neutronBodyOf(body, "security_group_rule", fields, ["security_group_id", "direction"]);
  const { direction, ethertype = "IPv4", protocol = null } = given;
  if (direction !== "ingress" && direction !== "egress") {
    throw invalidInput("direction", `'${String(direction)}' is not in ['ingress', 'egress']`);
  }
  if (ethertype !== "IPv4" && ethertype !== "IPv6") {
    throw invalidInput("ethertype", `'${String(ethertype)}' is not in ['IPv4', 'IPv6']`);
  }
  if (protocol !== null && !["tcp", "udp", "icmp", "ipv6-icmp", "any"].includes(String(protocol))) {
    throw neutronFault(
      400,
      "SecurityGroupRuleInvalidProtocol",
      `Security group rule protocol ${String(protocol)} not supported.`,
    );
  }
  const min = portOf(given, "port_range_min");
  const max = portOf(given, "port_range_max");
  if ((min === null) !== (max === null) || (min !== null && min > max!)) {
    throw neutronFault(
      400,
      "SecurityGroupInvalidPortRange",
      "For TCP/UDP protocols, port_range_min must be <= port_range_max",
    );
  }
  if (min !== null && protocol === null) {
    throw neutronFault(
      400,
      "SecurityGroupProtocolRequiredWithPorts",
      "Must also specify protocol if port range is given.",
    );
  }
  const group = findGroup(state, call, String(given.security_group_id));
  const remote = given.remote_group_id ?? null;
  return {
    group,
    direction,
    ethertype,
    protocol: protocol === "any" ? null : (protocol as string | null),
    min,
    max,
    prefix: prefixOf(given.remote_ip_prefix ?? null, ethertype),
    remoteGroup: remote === null ? null : findGroup(state, call, String(remote)).id,
    description: String(given.description ?? ""),
  };
}

function portOf(given: Readonly<Record<string, unknown>>, name: string): number | null {
  const value = given[name] ?? null;
  if (value === null) return null;
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw neutronFault(400, "SecurityGroupInvalidPortValue", `Invalid value for port ${String(value)}`);
  }
  return port;
}

/** Without host bits for IPv4; IPv6 must come in its canonical form. */
function prefixOf(value: unknown, ethertype: "IPv4" | "IPv6"): string | null {
  if (value === null) return null;
  const [address = "", length] = String(value).split("/");
  const isV4 = isIPv4(address);
  const bits = isV4 ? 32 : 128;
  const prefix = length === undefined ? bits : Number(length);
  if ((!isV4 && !isIPv6(address)) || !Number.isInteger(prefix) || prefix < 0 || prefix > bits) {
    throw invalidInput("remote_ip_prefix", `'${String(value)}' is not a valid IP subnet`);
  }
  if (isV4 !== (ethertype === "IPv4")) {
    throw neutronFault(
      400,
      "SecurityGroupRuleParameterConflict",
      `Conflicting value ethertype ${ethertype} for CIDR ${String(value)}`,
    );
  }
  if (!isV4) return `${address}/${prefix}`;
  const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const network = number - (number % 2 ** (32 - prefix));
  return `${[24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join(".")}/${prefix}`;
}

/** Rules of which Neutron allows only one: no prefix and the whole range are the same. */
function identity(rule: Omit<RuleRecord, "id">): string {
  const everywhere = rule.prefix === "0.0.0.0/0" || rule.prefix === "::/0";
  return JSON.stringify([
    rule.group.id,
    rule.direction,
    rule.ethertype,
    rule.protocol,
    rule.min,
    rule.max,
    everywhere ? null : rule.prefix,
    rule.remoteGroup,
  ]);
}
