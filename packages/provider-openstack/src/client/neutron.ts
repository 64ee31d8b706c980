import type { OpenStackCall } from "./call.js";
import { createService } from "./service.js";
import type { Session, SessionOptions } from "./session.js";

/** A network that the project sees: its own, and those shared with it. */
export interface Network {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly shared: boolean;
  readonly project_id?: string;
  readonly "router:external"?: boolean;
}

/** A port, as far as it is used. */
export interface Port {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly network_id: string;
  /** The server that it is of, or the empty string. */
  readonly device_id: string;
  readonly fixed_ips: readonly { readonly ip_address: string }[];
}

/** A port to make. */
export interface PortCreate {
  readonly name: string;
  readonly description: string;
  readonly network_id: string;
  /** Ids. */
  readonly security_groups: readonly string[];
  readonly fixed_ips?: readonly { readonly ip_address: string }[];
}

/** A floating IP. */
export interface FloatingIp {
  readonly id: string;
  readonly description: string;
  readonly floating_ip_address: string;
  readonly port_id: string | null;
}

/** Quota and use of a project; -1 is unlimited. */
export interface NetworkQuota {
  readonly limit: number;
  readonly used: number;
}

/** Quotas of a project, by resource. */
export type NetworkQuotas = Partial<
  Readonly<Record<"floatingip" | "port" | "security_group" | "security_group_rule", NetworkQuota>>
>;

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
  /** Ports of the project with exactly this name, or all. */
  listPorts(call: OpenStackCall, query?: { readonly name?: string }): Promise<readonly Port[]>;
  createPort(call: OpenStackCall, port: PortCreate): Promise<Port>;
  /** False when it did not exist. */
  deletePort(call: OpenStackCall, id: string): Promise<boolean>;
  listFloatingIps(call: OpenStackCall, query?: { readonly port_id?: string }): Promise<readonly FloatingIp[]>;
  createFloatingIp(
    call: OpenStackCall,
    ip: {
      readonly floating_network_id: string;
      readonly port_id: string;
      readonly description: string;
    },
  ): Promise<FloatingIp>;
  /** False when it did not exist. */
  deleteFloatingIp(call: OpenStackCall, id: string): Promise<boolean>;
  /** What the project may have; nothing where the cloud does not tell. */
  quotas(call: OpenStackCall): Promise<NetworkQuotas>;
}

export function createNeutron(session: Session, options: SessionOptions): Neutron {
  const service = createService(session, options, { name: "neutron", types: ["network"], version: "v2.0" });

  async function remove(call: OpenStackCall, path: string): Promise<boolean> {
    const answer = await service.request(call, { method: "DELETE", path, accept: [404] });
    return answer.status !== 404;
  }

  return {
    listPorts: async (call, query) =>
      service.collect<Port>(call, "ports", "ports", { ...query, ...(await own(call)) }),
    async createPort(call, port) {
      const answer = await service.request<{ port: Port }>(call, {
        method: "POST",
        path: "ports",
        body: { port },
      });
      return answer.data.port;
    },
    deletePort: (call, id) => remove(call, `ports/${id}`),
    listFloatingIps: async (call, query) =>
      service.collect<FloatingIp>(call, "floatingips", "floatingips", { ...query, ...(await own(call)) }),
    async createFloatingIp(call, ip) {
      const answer = await service.request<{ floatingip: FloatingIp }>(call, {
        method: "POST",
        path: "floatingips",
        body: { floatingip: ip },
      });
      return answer.data.floatingip;
    },
    deleteFloatingIp: (call, id) => remove(call, `floatingips/${id}`),
    async quotas(call) {
      const { project_id: project } = await own(call);
      const answer = await service.request<{ quota?: NetworkQuotas }>(call, {
        path: `quotas/${project}/details.json`,
        // An extension, and not every policy lets a user ask.
        accept: [403, 404],
      });
      return answer.data?.quota ?? {};
    },
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
    deleteSecurityGroupRule: (call, id) => remove(call, `security-group-rules/${id}`),
  };

  /** An operator sees what all projects have. */
  async function own(call: OpenStackCall) {
    return { project_id: (await session.authorize(call)).projectId };
  }
}

/** A conflict that is no exceeded quota: those have their own code. */
function isConflict(error: unknown): boolean {
  const { status, code } = error as { status?: number; code?: string };
  return status === 409 && code === "CONFLICT";
}
