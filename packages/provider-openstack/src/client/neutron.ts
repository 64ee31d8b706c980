import type { OpenStackCall } from "./call.js";
import { createService } from "./service.js";
import type { Session, SessionOptions } from "./session.js";

/** A network that the project sees: its own, and those shared with it. */
export interface Network {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly shared: boolean;
  readonly "router:external"?: boolean;
}

/** A rule of a security group. `null` is any. */
export interface SecurityGroupRule {
  readonly id: string;
  readonly direction: "ingress" | "egress";
  readonly ethertype: "IPv4" | "IPv6";
  readonly protocol: string | null;
  readonly port_range_min: number | null;
  readonly port_range_max: number | null;
  readonly remote_ip_prefix: string | null;
  readonly remote_group_id: string | null;
}

/** A rule to make. Without a prefix it lets in from everywhere. */
export interface SecurityGroupRuleCreate {
  readonly security_group_id: string;
  readonly direction: "ingress";
  readonly ethertype: "IPv4" | "IPv6";
  readonly protocol: string;
  readonly port_range_min: number;
  readonly port_range_max: number;
  readonly remote_ip_prefix?: string;
}

/** A security group. Neutron lets any number of them have the same name. */
export interface SecurityGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly security_group_rules: readonly SecurityGroupRule[];
}

/** OpenStack Networking (Networking API v2.0). */
export interface Neutron {
  listNetworks(call: OpenStackCall): Promise<readonly Network[]>;
  /** Groups with exactly this name, or all. */
  listSecurityGroups(
    call: OpenStackCall,
    query?: { readonly name?: string },
  ): Promise<readonly SecurityGroup[]>;
  createSecurityGroup(
    call: OpenStackCall,
    group: { readonly name: string; readonly description: string },
  ): Promise<SecurityGroup>;
  /** `in-use` while ports have it. */
  deleteSecurityGroup(call: OpenStackCall, id: string): Promise<"deleted" | "missing" | "in-use">;
  /** All of them or none; `exists` when one of them is there already. */
  createSecurityGroupRules(
    call: OpenStackCall,
    rules: readonly SecurityGroupRuleCreate[],
  ): Promise<"created" | "exists">;
  /** False when it did not exist. */
  deleteSecurityGroupRule(call: OpenStackCall, id: string): Promise<boolean>;
}

export function createNeutron(session: Session, options: SessionOptions): Neutron {
  const service = createService(session, options, { name: "neutron", types: ["network"], version: "v2.0" });

  return {
    listNetworks: (call) => service.collect<Network>(call, "networks", "networks"),
    listSecurityGroups: (call, query) =>
      service.collect<SecurityGroup>(call, "security_groups", "security-groups", query),
    async createSecurityGroup(call, group) {
      const answer = await service.request<{ security_group: SecurityGroup }>(call, {
        method: "POST",
        path: "security-groups",
        body: { security_group: group },
      });
      return answer.data.security_group;
    },
    async deleteSecurityGroup(call, id) {
      const answer = await service.request(call, {
        method: "DELETE",
        path: `security-groups/${id}`,
        accept: [404, 409],
      });
      if (answer.status === 404) return "missing";
      return answer.status === 409 ? "in-use" : "deleted";
    },
    async createSecurityGroupRules(call, rules) {
      const answer = await service
        .request<{ NeutronError?: { type: string } }>(call, {
          method: "POST",
          path: "security-group-rules",
          body: { security_group_rules: rules },
        })
        .catch((error: unknown) => {
          if (isConflict(error)) return "exists" as const;
          throw error;
        });
      return answer === "exists" ? "exists" : "created";
    },
    async deleteSecurityGroupRule(call, id) {
      const answer = await service.request(call, {
        method: "DELETE",
        path: `security-group-rules/${id}`,
        accept: [404],
      });
      return answer.status !== 404;
    },
  };
}

/** A conflict that is no exceeded quota: those have their own code. */
function isConflict(error: unknown): boolean {
  const { status, code } = error as { status?: number; code?: string };
  return status === 409 && code === "CONFLICT";
}
