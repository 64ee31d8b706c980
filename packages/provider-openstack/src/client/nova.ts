import type { OpenStackCall } from "./call.js";
import { atLeast, createService } from "./service.js";
import type { Session, SessionOptions } from "./session.js";

/** One address of a server. */
export interface ServerAddress {
  readonly addr: string;
  readonly version: 4 | 6;
  readonly "OS-EXT-IPS:type"?: "fixed" | "floating";
}

/** A server as `GET /servers/detail` shows it, as far as it is used. */
export interface Server {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** By network name. */
  readonly addresses: Readonly<Record<string, readonly ServerAddress[]>>;
  /** From microversion 2.47 the flavor itself; before that its id. */
  readonly flavor: { readonly id?: string; readonly original_name?: string };
  /** The empty string for a server that was booted from a volume. */
  readonly image: { readonly id: string } | "" | null;
  readonly fault?: { readonly code: number; readonly message: string };
  readonly "OS-EXT-STS:task_state"?: string | null;
  readonly "os-extended-volumes:volumes_attached"?: readonly {
    readonly id: string;
    /** From microversion 2.3. */
    readonly delete_on_termination?: boolean;
  }[];
}

/** Body of `POST /servers`, as far as it is used. */
export interface ServerCreate {
  readonly name: string;
  readonly flavorRef: string;
  readonly imageRef?: string;
  readonly networks: readonly (
    | { readonly uuid: string; readonly fixed_ip?: string }
    | { readonly port: string }
  )[];
  readonly metadata: Readonly<Record<string, string>>;
  /** From microversion 2.52. */
  readonly tags?: readonly string[];
  readonly key_name?: string;
  readonly user_data?: string;
  readonly availability_zone?: string;
  readonly config_drive?: boolean;
  /** By name or id. */
  readonly security_groups?: readonly { readonly name: string }[];
  readonly block_device_mapping_v2?: readonly BlockDevice[];
}

/** Servers that the scheduler keeps apart, or together. Its name is all that a group can be marked with. */
export interface ServerGroup {
  readonly id: string;
  readonly name: string;
}

/** The `soft-` ones need microversion 2.15. */
export type ServerGroupPolicy = "anti-affinity" | "soft-anti-affinity";

/** A disk of a new server. */
export interface BlockDevice {
  readonly boot_index: number;
  readonly source_type: "image" | "volume";
  readonly destination_type: "volume";
  readonly uuid: string;
  readonly volume_size: number;
  readonly delete_on_termination: boolean;
  /** Needs microversion 2.67. */
  readonly volume_type?: string;
}

/** A size of machine. */
export interface Flavor {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  /** MiB. */
  readonly ram: number;
  /** GiB; 0 when the flavor has no disk of its own. */
  readonly disk: number;
}

/** An SSH key pair of the user; Nova keeps the public key as it was given, comment included. */
export interface Keypair {
  readonly name: string;
  readonly public_key: string;
  readonly fingerprint: string;
}

/** Quota and use of the project; -1 is unlimited. */
export interface ComputeLimits {
  readonly maxTotalInstances: number;
  readonly maxTotalCores: number;
  /** MiB. */
  readonly maxTotalRAMSize: number;
  readonly totalInstancesUsed: number;
  readonly totalCoresUsed: number;
  readonly totalRAMUsed: number;
  /** Not told by every release. */
  readonly maxServerGroups?: number;
  readonly totalServerGroupsUsed?: number;
  readonly maxServerGroupMembers?: number;
}

/** OpenStack Compute (Compute API v2.1). Calls are made with microversion 2.67, or the newest the cloud has. */
export interface Nova {
  /** Servers of the project, newest first. `name` narrows to names that contain it (Nova reads it as a regular expression). */
  listServers(call: OpenStackCall, query?: { readonly name?: string }): Promise<readonly Server[]>;
  /** `undefined` when it does not exist. */
  getServer(call: OpenStackCall, id: string): Promise<Server | undefined>;
  /** Accepted when it returns; the server is in `BUILD` then. Never sent twice. */
  createServer(
    call: OpenStackCall,
    server: ServerCreate,
    hints?: { readonly group: string },
  ): Promise<{ readonly id: string }>;
  /** Freezes a server in memory, or lets it go on. Accepted when it returns; false when it is gone or its state does not allow it. */
  actOnServer(call: OpenStackCall, id: string, action: "pause" | "unpause"): Promise<boolean>;
  /** Accepted when it returns; false when it did not exist. */
  deleteServer(call: OpenStackCall, id: string): Promise<boolean>;
  listFlavors(call: OpenStackCall): Promise<readonly Flavor[]>;
  /** Names of the zones that take servers. */
  listAvailabilityZones(call: OpenStackCall): Promise<readonly string[]>;
  limits(call: OpenStackCall): Promise<ComputeLimits>;
  /** `undefined` when it does not exist. */
  getKeypair(call: OpenStackCall, name: string): Promise<Keypair | undefined>;
  createKeypair(call: OpenStackCall, name: string, publicKey: string): Promise<Keypair>;
  /** False when it did not exist. */
  deleteKeypair(call: OpenStackCall, name: string): Promise<boolean>;
  listServerGroups(call: OpenStackCall): Promise<readonly ServerGroup[]>;
  createServerGroup(call: OpenStackCall, name: string, policy: ServerGroupPolicy): Promise<ServerGroup>;
  /** False when it did not exist. Its servers stay. */
  deleteServerGroup(call: OpenStackCall, id: string): Promise<boolean>;
  /** `undefined` when the cloud does not tell. */
  microversion(call: OpenStackCall): Promise<string | undefined>;
}

export function createNova(session: Session, options: SessionOptions): Nova {
  const service = createService(session, options, {
    name: "nova",
    types: ["compute"],
    version: "v2.1",
    microversion: { header: "compute", newest: "2.67" },
    timeoutMs: 60_000,
  });
  const keypairPath = (name: string) => `os-keypairs/${encodeURIComponent(name)}`;

  return {
    microversion: service.microversion,
    listServers: (call, query) => service.collect<Server>(call, "servers", "servers/detail", query),
    async getServer(call, id) {
      const answer = await service.request<{ server: Server }>(call, {
        path: `servers/${encodeURIComponent(id)}`,
        accept: [404],
      });
      return answer.status === 404 ? undefined : answer.data.server;
    },
    async createServer(call, server, hints) {
      const answer = await service.request<{ server: { id: string } }>(call, {
        method: "POST",
        path: "servers",
        body: { server, ...(hints ? { "os:scheduler_hints": hints } : {}) },
      });
      return { id: answer.data.server.id };
    },
    async actOnServer(call, id, action) {
      const answer = await service.request(call, {
        method: "POST",
        path: `servers/${encodeURIComponent(id)}/action`,
        body: { [action]: null },
        accept: [404, 409],
      });
      return answer.status < 300;
    },
    async deleteServer(call, id) {
      const answer = await service.request(call, {
        method: "DELETE",
        path: `servers/${encodeURIComponent(id)}`,
        accept: [404],
      });
      return answer.status !== 404;
    },
    listFlavors: (call) => service.collect<Flavor>(call, "flavors", "flavors/detail"),
    async listAvailabilityZones(call) {
      const answer = await service.request<{
        availabilityZoneInfo: { zoneName: string; zoneState: { available: boolean } }[];
      }>(call, { path: "os-availability-zone" });
      return answer.data.availabilityZoneInfo
        .filter((zone) => zone.zoneState.available)
        .map((zone) => zone.zoneName);
    },
    async limits(call) {
      const answer = await service.request<{ limits: { absolute: ComputeLimits } }>(call, { path: "limits" });
      return answer.data.limits.absolute;
    },
    async getKeypair(call, name) {
      const answer = await service.request<{ keypair: Keypair }>(call, {
        path: keypairPath(name),
        accept: [404],
      });
      return answer.status === 404 ? undefined : answer.data.keypair;
    },
    async createKeypair(call, name, publicKey) {
      const answer = await service.request<{ keypair: Keypair }>(call, {
        method: "POST",
        path: "os-keypairs",
        body: { keypair: { name, public_key: publicKey } },
      });
      return answer.data.keypair;
    },
    async listServerGroups(call) {
      const groups: ServerGroup[] = [];
      for (;;) {
        // Paged by place, without links: the end is where nothing more comes.
        const answer = await service.request<{ server_groups: ServerGroup[] }>(call, {
          path: "os-server-groups",
          query: { offset: groups.length },
        });
        if (answer.data.server_groups.length === 0) return groups;
        groups.push(...answer.data.server_groups);
      }
    },
    async createServerGroup(call, name, policy) {
      const single = atLeast(await service.microversion(call), "2.64");
      const answer = await service.request<{ server_group: ServerGroup }>(call, {
        method: "POST",
        path: "os-server-groups",
        body: { server_group: { name, ...(single ? { policy } : { policies: [policy] }) } },
      });
      return answer.data.server_group;
    },
    async deleteServerGroup(call, id) {
      const answer = await service.request(call, {
        method: "DELETE",
        path: `os-server-groups/${encodeURIComponent(id)}`,
        accept: [404],
      });
      return answer.status !== 404;
    },
    async deleteKeypair(call, name) {
      const answer = await service.request(call, {
        method: "DELETE",
        path: keypairPath(name),
        accept: [404],
      });
      return answer.status !== 404;
    },
  };
}
