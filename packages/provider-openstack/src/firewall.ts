import { type FirewallRule, MulticloudError } from "@multicloud/core/plugin";
import { readCidr } from "./cidr.js";
import type { SecurityGroup, SecurityGroupRuleCreate } from "./client/index.js";

/** What has to be done to a group so that it lets in exactly what is wanted. */
export interface FirewallChange {
  readonly create: readonly SecurityGroupRuleCreate[];
  /** Ids of rules. */
  readonly remove: readonly string[];
}

/** Compares the group's ingress rules with the wanted ones. Egress is left as it is: Neutron lets a new group's machines out. */
export function firewallChange(
  group: Pick<SecurityGroup, "id" | "security_group_rules">,
  wanted: readonly FirewallRule[],
): FirewallChange {
  const missing = new Map(
    wanted.flatMap((rule) => rulesOf(group.id, rule)).map((rule) => [keyOf(rule), rule]),
  );
  const remove: string[] = [];
  for (const rule of group.security_group_rules) {
    if (rule.direction !== "ingress") continue;
    if (rule.remote_group_id !== null || !missing.delete(keyOf(rule))) remove.push(rule.id);
  }
  return { create: [...missing.values()], remove };
}

/** One rule a source: Neutron's rules are for IPv4 or for IPv6. */
function rulesOf(groupId: string, rule: FirewallRule): SecurityGroupRuleCreate[] {
  return (rule.sources ?? ["0.0.0.0/0", "::/0"]).map((source) => {
    const cidr = readCidr(source);
    if (!cidr) {
      throw new MulticloudError(
        `"${source}" is no address range (source of ${rule.protocol} port ${rule.port})`,
        {
          code: "CONFIG_INVALID",
          hint: "write it as 192.0.2.0/24 or 2001:db8::/32",
        },
      );
    }
    return {
      security_group_id: groupId,
      direction: "ingress",
      ethertype: cidr.ethertype,
      protocol: rule.protocol,
      port_range_min: rule.port,
      port_range_max: rule.port,
      ...(cidr.prefix === undefined ? {} : { remote_ip_prefix: cidr.prefix }),
    };
  });
}

interface RuleFields {
  readonly ethertype: string;
  readonly protocol: string | null;
  readonly port_range_min: number | null;
  readonly port_range_max: number | null;
  readonly remote_ip_prefix?: string | null;
}

/** Equal for rules that do the same. Everywhere is stored as no prefix by some releases and as `0.0.0.0/0` by others. */
function keyOf(rule: RuleFields): string {
  const given = rule.remote_ip_prefix ?? undefined;
  const prefix = given === undefined ? undefined : (readCidr(given)?.prefix ?? "");
  return [
    rule.ethertype,
    rule.protocol,
    rule.port_range_min,
    rule.port_range_max,
    prefix === undefined ? "everywhere" : prefix || given,
  ].join(" ");
}
