import { ownerOf, withMark, withoutMark } from "../mark.js";
import { type ClientOptions, createClient, unexpected } from "./client.js";
import type {
  Authorization,
  NetworkDetails,
  NetworkMember,
  NetworkSettings,
  ZeroTierController,
} from "./controller.js";

/** The parts of a network that are read, as Central v1 sends them; every field may be null. */
interface WireNetwork {
  readonly id?: string | null;
  readonly description?: string | null;
  readonly config?: {
    readonly name?: string | null;
    readonly private?: boolean | null;
    readonly mtu?: number | null;
    readonly routes?: readonly { readonly target?: string; readonly via?: string | null }[] | null;
    readonly ipAssignmentPools?:
      | readonly { readonly ipRangeStart?: string; readonly ipRangeEnd?: string }[]
      | null;
    readonly v4AssignMode?: { readonly zt?: boolean | null } | null;
  } | null;
}

interface WireMember {
  readonly nodeId?: string | null;
  readonly name?: string | null;
  readonly description?: string | null;
  readonly config?: {
    readonly id?: string | null;
    readonly authorized?: boolean | null;
    readonly ipAssignments?: readonly string[] | null;
  } | null;
}

/** Legacy Central, `https://api.zerotier.com/api/v1` (OpenAPI: docs.zerotier.com, central v1). The mark is in the descriptions. */
export function centralV1(options: Omit<ClientOptions, "header">): ZeroTierController {
  const send = createClient({ ...options, header: (token) => ({ authorization: `token ${token}` }) });
  const networkPath = (id: string) => `/network/${encodeURIComponent(id)}`;
  const memberPath = (network: string, id: string) =>
    `${networkPath(network)}/member/${encodeURIComponent(id)}`;

  return {
    title: "ZeroTier Central",

    async listNetworks(call) {
      const { data } = await send<unknown>(call, { path: "/network" });
      if (!Array.isArray(data)) throw unexpected("list of networks");
      return data.map((network: WireNetwork) => toNetwork(network));
    },

    async getNetwork(call, id) {
      // A network of somebody else is refused with 403; only another call can tell that from a bad token.
      const { status, data } = await send<WireNetwork>(call, { path: networkPath(id), accept: [404] });
      return status === 404 ? undefined : toNetwork(data);
    },

    async createNetwork(call, settings, cluster) {
      const body = { description: withMark("", cluster), config: toConfig(settings) };
      const { data } = await send<WireNetwork>(call, { method: "POST", path: "/network", body });
      const created = toNetwork(data);
      if (created.owner === cluster) return created;
      // The API's description promises no more than an empty network; Central takes the settings as well.
      const path = networkPath(created.id);
      return toNetwork(
        (await send<WireNetwork>(call, { method: "POST", path, body, idempotent: true })).data,
      );
    },

    async updateNetwork(call, id, settings) {
      const { data } = await send<WireNetwork>(call, {
        method: "POST",
        path: networkPath(id),
        body: { config: toConfig(settings) },
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

    async authorize(call, networkId, memberId, { name, cluster, addresses, known }: Authorization) {
      const { data } = await send<WireMember>(call, {
        method: "POST",
        path: memberPath(networkId, memberId),
        body: {
          name,
          description: withMark(known?.description, cluster),
          config: {
            authorized: true,
            ...(addresses ? { ipAssignments: addresses, noAutoAssignIps: true } : {}),
          },
        },
        // Names the end state, so sending it twice does no harm.
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
          body: { config: { authorized: false } },
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
    name: settings.name,
    private: settings.private,
    mtu: settings.mtu,
    v4AssignMode: { zt: settings.autoAssign },
    ipAssignmentPools: settings.pools.map(({ start, end }) => ({ ipRangeStart: start, ipRangeEnd: end })),
    routes: settings.routes.map(({ target, via }) => ({ target, via: via ?? null })),
  };
}

function toNetwork({ id, description, config }: WireNetwork): NetworkDetails {
  if (!id) throw unexpected("network id");
  return {
    id,
    name: config?.name ?? "",
    owner: ownerOf(description),
    private: config?.private ?? true,
    autoAssign: config?.v4AssignMode?.zt ?? false,
    mtu: config?.mtu ?? 2800,
    pools: (config?.ipAssignmentPools ?? []).flatMap(({ ipRangeStart, ipRangeEnd }) =>
      ipRangeStart && ipRangeEnd ? [{ start: ipRangeStart, end: ipRangeEnd }] : [],
    ),
    routes: (config?.routes ?? []).flatMap(({ target, via }) =>
      target ? [via ? { target, via } : { target }] : [],
    ),
  };
}

function toMember({ nodeId, name, description, config }: WireMember): NetworkMember {
  const id = nodeId ?? config?.id;
  if (!id) throw unexpected("node id of a member");
  return {
    id,
    name: name ?? "",
    description: withoutMark(description),
    owner: ownerOf(description),
    authorized: config?.authorized ?? false,
    addresses: config?.ipAssignments ?? [],
  };
}
