import { MulticloudError } from "@multicloud/core/plugin";
import { ownerOf, withMark, withoutMark } from "../mark.js";
import { type ClientOptions, createClient, type Send, service, unexpected } from "./client.js";
import type {
  NetworkDetails,
  NetworkMember,
  NetworkSettings,
  NetworkSummary,
  ZeroTierController,
} from "./controller.js";

interface WireSummary {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
}

interface WireNetwork extends WireSummary {
  readonly config?: {
    readonly private?: boolean;
    readonly mtu?: number;
    readonly routes?: readonly { readonly target: string; readonly via?: string | null }[] | null;
    readonly v4AssignmentMode?: { readonly zt: boolean };
    readonly v4IpAssignmentPools?:
      | readonly { readonly ipRangeStart: string; readonly ipRangeEnd: string }[]
      | null;
  };
}

interface WireMember {
  readonly deviceId: string;
  readonly name?: string;
  readonly description?: string;
  readonly status?: "authorized" | "not_authorized" | "rejected";
  readonly ipv4Assignments?: readonly string[] | null;
}

/** New Central, `https://central.zerotier.com/api/v2`, with the key of a service account. The mark is in the descriptions. */
export function centralV2(
  options: Omit<ClientOptions, "header"> & { readonly networkGroup: string | undefined },
): ZeroTierController {
  const send = createClient({
    ...options,
    header: (token) => ({ authorization: `Bearer ${token}` }),
    describe: (body) => {
      const message = (body as { message?: unknown } | undefined)?.message;
      return typeof message === "string" ? message : undefined;
    },
  });
  const networkPath = (id: string) => `/api/v2/network/${encodeURIComponent(id)}`;

  return {
    title: "ZeroTier Central",

    async listNetworks(call) {
      const { data } = await send<{ items?: readonly WireSummary[] }>(call, { path: "/api/v2/network" });
      if (!Array.isArray(data?.items)) throw unexpected("list of networks");
      return data.items.map(toSummary);
    },

    async getNetwork(call, id) {
      const { status, data } = await send<WireNetwork>(call, { path: networkPath(id), accept: [404] });
      return status === 404 ? undefined : toNetwork(data);
    },

    async createNetwork(call, settings, cluster) {
      const group = options.networkGroup ?? (await onlyGroup(send, call));
      const { data } = await send<WireNetwork>(call, {
        method: "POST",
        path: `/api/v2/network-group/${encodeURIComponent(group)}/network`,
        body: { name: settings.name, description: withMark("", cluster), config: toConfig(settings) },
      });
      return toNetwork(data);
    },

    async updateNetwork(call, id, settings) {
      const { data } = await send<WireNetwork>(call, {
        method: "POST",
        path: networkPath(id),
        body: { name: settings.name, config: toConfig(settings) },
        idempotent: true,
      });
      return toNetwork(data);
    },

    async deleteNetwork(call, id) {
      await send(call, { method: "DELETE", path: networkPath(id), accept: [404] });
    },

    async listMembers(call, networkId) {
      const { data } = await send<unknown>(call, { path: `${networkPath(networkId)}/member` });
      if (!Array.isArray(data)) throw unexpected("list of members");
      return data.map((member: WireMember) => toMember(member));
    },

    async authorize(call, networkId, memberId, { name, cluster, addresses, known }) {
      const members = `${networkPath(networkId)}/member`;
      const member = `${members}/${encodeURIComponent(memberId)}`;
      const fields = {
        name,
        description: withMark(known?.description, cluster),
        ...(addresses ? { ipv4Assignments: addresses, noAutoAssignIps: true } : {}),
      };
      // The mark first: a call that is cut off here leaves a member that is found again.
      await send(call, {
        method: "POST",
        path: known ? member : members,
        body: known ? fields : [{ deviceId: memberId, ...fields }],
        idempotent: true,
      });
      const { data } = await send<WireMember>(call, {
        method: "POST",
        path: `${member}/authorize`,
        idempotent: true,
      });
      return toMember(data);
    },

    async remove(call, networkId, member) {
      const members = `${networkPath(networkId)}/member`;
      if (member.authorized) {
        await send(call, {
          method: "POST",
          path: `${members}/${encodeURIComponent(member.id)}/de-authorize`,
          accept: [404],
          idempotent: true,
        });
      }
      await send(call, {
        method: "DELETE",
        path: members,
        body: [{ deviceId: member.id }],
        accept: [404],
      });
    },
  };
}

/** The group that a new network goes into when the account has just one. */
async function onlyGroup(send: Send, call: Parameters<Send>[0]): Promise<string> {
  const { data } = await send<{ items?: readonly { id: string; name: string }[] }>(call, {
    path: "/api/v2/network-group",
  });
  const groups = data?.items ?? [];
  if (groups.length === 1) return groups[0]!.id;
  throw new MulticloudError(
    groups.length === 0
      ? "the ZeroTier account has no network group to make a network in"
      : `the ZeroTier account has ${groups.length} network groups and none was chosen`,
    {
      code: "CONFIG_INVALID",
      service,
      hint:
        groups.length === 0
          ? "make one in the account, or give the service account access to one"
          : `set the option networkGroup to one of ${groups.map(({ id, name }) => `${id} (${name})`).join(", ")}`,
    },
  );
}

function toConfig(settings: NetworkSettings) {
  return {
    private: settings.private,
    mtu: settings.mtu,
    v4AssignmentMode: { zt: settings.autoAssign },
    v4IpAssignmentPools: settings.pools.map(({ start, end }) => ({ ipRangeStart: start, ipRangeEnd: end })),
    routes: settings.routes.map(({ target, via }) => ({ target, via: via ?? null })),
  };
}

function toSummary({ id, name, description }: WireSummary): NetworkSummary {
  if (!id) throw unexpected("network id");
  return { id, name: name ?? "", owner: ownerOf(description) };
}

function toNetwork(network: WireNetwork): NetworkDetails {
  const { config } = network;
  return {
    ...toSummary(network),
    private: config?.private ?? true,
    autoAssign: config?.v4AssignmentMode?.zt ?? false,
    mtu: config?.mtu ?? 2800,
    pools: (config?.v4IpAssignmentPools ?? []).map(({ ipRangeStart, ipRangeEnd }) => ({
      start: ipRangeStart,
      end: ipRangeEnd,
    })),
    routes: (config?.routes ?? []).map(({ target, via }) => (via ? { target, via } : { target })),
  };
}

function toMember({ deviceId, name, description, status, ipv4Assignments }: WireMember): NetworkMember {
  if (!deviceId) throw unexpected("device id of a member");
  return {
    id: deviceId,
    name: name ?? "",
    description: withoutMark(description),
    owner: ownerOf(description),
    authorized: status === "authorized",
    addresses: ipv4Assignments ?? [],
  };
}
