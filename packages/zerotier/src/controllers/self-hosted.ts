import { ownerOf, withMark, withoutMark } from "../mark.js";
import { type ClientOptions, createClient, unexpected } from "./client.js";
import type { NetworkDetails, NetworkMember, NetworkSettings, ZeroTierController } from "./controller.js";

interface WireNetwork {
  readonly id?: string;
  readonly nwid?: string;
  readonly name?: string;
  readonly private?: boolean;
  readonly mtu?: number;
  readonly routes?: readonly { readonly target: string; readonly via?: string | null }[];
  readonly ipAssignmentPools?: readonly { readonly ipRangeStart: string; readonly ipRangeEnd: string }[];
  readonly v4AssignMode?: { readonly zt?: boolean };
}

interface WireMember {
  readonly id?: string;
  readonly address?: string;
  readonly name?: string;
  readonly authorized?: boolean;
  readonly ipAssignments?: readonly string[];
}

/**
 * The controller inside a ZeroTier daemon (`/controller` of its local API, ZeroTierOne 1.14). It has no
 * descriptions, so the mark follows the name: `home-worker-1 multicloud:<cluster>`.
 */
export function selfHosted(options: Omit<ClientOptions, "header">): ZeroTierController {
  const send = createClient({ ...options, header: (token) => ({ "x-zt1-auth": token }) });
  const networkPath = (id: string) => `/controller/network/${encodeURIComponent(id)}`;
  const memberPath = (network: string, id: string) =>
    `${networkPath(network)}/member/${encodeURIComponent(id)}`;

  return {
    title: "the ZeroTier controller",

    async listNetworks(call) {
      const { data: ids } = await send<unknown>(call, { path: "/controller/network" });
      if (!Array.isArray(ids)) throw unexpected("list of networks");
      const found = await Promise.all(
        ids.map((id) => send<WireNetwork>(call, { path: networkPath(String(id)), accept: [404] })),
      );
      return found.filter(({ status }) => status !== 404).map(({ data }) => toNetwork(data));
    },

    async getNetwork(call, id) {
      const { status, data } = await send<WireNetwork>(call, { path: networkPath(id), accept: [404] });
      return status === 404 ? undefined : toNetwork(data);
    },

    async createNetwork(call, settings, cluster) {
      const { data } = await send<WireNetwork>(call, {
        method: "POST",
        path: "/controller/network",
        body: { ...toConfig(settings), name: withMark(settings.name, cluster) },
      });
      return toNetwork(data);
    },

    async updateNetwork(call, id, settings) {
      const { data } = await send<WireNetwork>(call, {
        method: "POST",
        path: networkPath(id),
        body: { ...toConfig(settings), name: withMark(settings.name, call.cluster) },
        idempotent: true,
      });
      return toNetwork(data);
    },

    async deleteNetwork(call, id) {
      await send(call, { method: "DELETE", path: networkPath(id), accept: [404] });
    },

    async listMembers(call, networkId) {
      // One call with all members in full; older controllers only list ids.
      const full = await send<{ data?: readonly WireMember[] }>(call, {
        path: `/unstable${networkPath(networkId)}/member`,
        accept: [404],
      });
      if (full.status !== 404 && Array.isArray(full.data?.data)) return full.data.data.map(toMember);
      const { data: ids } = await send<Record<string, unknown>>(call, {
        path: `${networkPath(networkId)}/member`,
      });
      const found = await Promise.all(
        Object.keys(ids ?? {}).map((id) =>
          send<WireMember>(call, { path: memberPath(networkId, id), accept: [404] }),
        ),
      );
      return found.filter(({ status }) => status !== 404).map(({ data }) => toMember(data));
    },

    async authorize(call, networkId, memberId, { name, cluster, addresses }) {
      const { data } = await send<WireMember>(call, {
        method: "POST",
        path: memberPath(networkId, memberId),
        body: {
          name: withMark(name, cluster),
          authorized: true,
          ...(addresses ? { ipAssignments: addresses, noAutoAssignIps: true } : {}),
        },
        idempotent: true,
      });
      return toMember(data);
    },

    async remove(call, networkId, member) {
      const path = memberPath(networkId, member.id);
      if (member.authorized) {
        await send(call, {
          method: "POST",
          path,
          body: { authorized: false },
          accept: [404],
          idempotent: true,
        });
      }
      await send(call, { method: "DELETE", path, accept: [404] });
    },
  };
}

function toConfig(settings: NetworkSettings) {
  return {
    private: settings.private,
    mtu: settings.mtu,
    v4AssignMode: { zt: settings.autoAssign },
    ipAssignmentPools: settings.pools.map(({ start, end }) => ({ ipRangeStart: start, ipRangeEnd: end })),
    routes: settings.routes.map(({ target, via }) => ({ target, via: via ?? null })),
  };
}

function toNetwork(network: WireNetwork): NetworkDetails {
  const id = network.id ?? network.nwid;
  if (!id) throw unexpected("network id");
  return {
    id,
    name: withoutMark(network.name),
    owner: ownerOf(network.name),
    private: network.private ?? true,
    autoAssign: network.v4AssignMode?.zt ?? false,
    mtu: network.mtu ?? 2800,
    pools: (network.ipAssignmentPools ?? []).map(({ ipRangeStart, ipRangeEnd }) => ({
      start: ipRangeStart,
      end: ipRangeEnd,
    })),
    routes: (network.routes ?? []).map(({ target, via }) => (via ? { target, via } : { target })),
  };
}

function toMember(member: WireMember): NetworkMember {
  const id = member.address ?? member.id;
  if (!id) throw unexpected("id of a member");
  return {
    id,
    name: withoutMark(member.name),
    description: "",
    owner: ownerOf(member.name),
    authorized: member.authorized ?? false,
    addresses: member.ipAssignments ?? [],
  };
}
