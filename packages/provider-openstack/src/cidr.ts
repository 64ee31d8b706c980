import { isIPv4, isIPv6 } from "node:net";

/** An address range in the form that Neutron gives it back in: without host bits, and with a prefix length. */
export interface Cidr {
  readonly ethertype: "IPv4" | "IPv6";
  /** `undefined` is everywhere, which Neutron stores as no prefix at all. */
  readonly prefix: string | undefined;
}

/** Reads an address range or a single address; `undefined` when it is neither. */
export function readCidr(text: string): Cidr | undefined {
  const [address = "", length, ...rest] = text.trim().split("/");
  const v6 = isIPv6(address);
  if (rest.length > 0 || (!v6 && !isIPv4(address)) || address.includes("%")) return undefined;
  const bits = v6 ? 128 : 32;
  const prefixLength = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : bits + 1;
  if (prefixLength > bits) return undefined;
  const ethertype = v6 ? "IPv6" : "IPv4";
  if (prefixLength === 0) return { ethertype, prefix: undefined };
  const hostBits = BigInt(bits - prefixLength);
  const network = ((v6 ? fromV6(address) : fromV4(address)) >> hostBits) << hostBits;
  return { ethertype, prefix: `${v6 ? toV6(network) : toV4(network)}/${prefixLength}` };
}

function fromV4(address: string): bigint {
  return address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function toV4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
}

function fromV6(address: string): bigint {
  // WHATWG URLs write an IPv6 host in its shortest form with hexadecimal groups only (URL Standard, "IPv6 serializer").
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(8 - front.length - back.length).fill("0");
  return [...front, ...zeros, ...back].reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}

function toV6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
