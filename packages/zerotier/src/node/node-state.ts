import { isNodeId } from "../interface-name.js";

/** What ZeroTier says on a node, and what its interface really has. */
export interface NodeState {
  /** Node id: 10 hexadecimal digits. */
  readonly nodeId: string;
  readonly version: string;
  /** The network as the daemon sees it; `undefined` when it is not on it. */
  readonly network: NodeNetwork | undefined;
  /** IPv4 addresses on the network's interface. */
  readonly present: readonly string[];
}

/** One network in `zerotier-cli -j listnetworks`. */
export interface NodeNetwork {
  readonly status: string;
  readonly interfaceName: string;
  /** IPv4 addresses that ZeroTier says it has set, without prefix length. */
  readonly assigned: readonly string[];
}

/** The answer of the look script: the state, or why there is none. */
export type Look =
  | { readonly state: NodeState; readonly failure?: never }
  | { readonly state?: never; readonly failure: string };

/** Reads what the look script printed. */
export function readLook(output: string, networkId: string): Look {
  const parts = new Map<string, string>();
  for (const part of output.split(/^== /m).slice(1)) {
    const end = part.indexOf("\n");
    parts.set(part.slice(0, end < 0 ? undefined : end).trim(), end < 0 ? "" : part.slice(end + 1).trim());
  }
  const missing = parts.get("no daemon");
  if (missing !== undefined) return { failure: firstLine(missing) || "zerotier-cli said nothing" };
  const info = parseJson(parts.get("info"));
  const networks = parseJson(parts.get("networks"));
  if (!isRecord(info) || typeof info.address !== "string" || !isNodeId(info.address)) {
    return { failure: `zerotier-cli -j info said ${quote(parts.get("info"))}` };
  }
  if (!Array.isArray(networks)) {
    return { failure: `zerotier-cli -j listnetworks said ${quote(parts.get("networks"))}` };
  }
  const network = networks.filter(isRecord).find(({ id, nwid }) => (id ?? nwid) === networkId);
  return {
    state: {
      nodeId: info.address,
      version: typeof info.version === "string" ? info.version : "",
      network: network && toNetwork(network),
      present: [...(parts.get("address") ?? "").matchAll(/\sinet (\d+\.\d+\.\d+\.\d+)\//g)].map(
        (match) => match[1]!,
      ),
    },
  };
}

/** The node's address on the network: set by ZeroTier and present on the interface. */
export function addressOf(state: NodeState): string | undefined {
  if (state.network?.status !== "OK") return undefined;
  return state.network.assigned.find((address) => state.present.includes(address));
}

function toNetwork(network: Record<string, unknown>): NodeNetwork {
  const addresses = Array.isArray(network.assignedAddresses) ? network.assignedAddresses : [];
  return {
    status: String(network.status),
    interfaceName: String(network.portDeviceName ?? ""),
    assigned: addresses.map((address) => String(address).split("/")[0]!).filter((a) => a.includes(".")),
  };
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function firstLine(text: string): string {
  return text.split("\n")[0]!.trim().slice(0, 200);
}

function quote(text: string | undefined): string {
  return text ? JSON.stringify(firstLine(text)) : "nothing";
}
