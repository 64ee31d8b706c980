import type { NetworkRecord } from "./records.js";
import type { CloudState } from "./state.js";

/** Addresses at the beginning of a range that belong to routers and services. */
const reserved = 10;

/** An IPv4 address of a network that nobody has; `undefined` when all are taken. */
export function addressIn(state: CloudState, network: NetworkRecord): string | undefined {
  const [base = "0.0.0.0", length = "24"] = network.cidr.split("/");
  const taken = new Set([
    ...[...state.ports.values()].filter((port) => port.network === network).map((port) => port.address),
    ...[...state.floatingIps.values()].filter((ip) => ip.network === network).map((ip) => ip.address),
  ]);
  const size = 2 ** (32 - Number(length));
  const first = toNumber(base);
  for (let offset = Math.min(reserved, size - 2); offset < size - 1; offset++) {
    const address = toText(first + offset);
    if (!taken.has(address)) return address;
  }
  return undefined;
}

/** Whether an address is of a network's range. */
export function isIn(address: string, network: NetworkRecord): boolean {
  const [base = "0.0.0.0", length = "24"] = network.cidr.split("/");
  const size = 2 ** (32 - Number(length));
  const offset = toNumber(address) - toNumber(base);
  return offset > 0 && offset < size - 1;
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}
