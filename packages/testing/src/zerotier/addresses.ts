/** A route's target or another IPv4 network. */
export interface Range {
  readonly base: number;
  readonly bits: number;
}

/** A dotted IPv4 address as a number, or `undefined`. */
export function toNumber(address: string): number | undefined {
  const parts = address.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function toText(address: number): string {
  return [3, 2, 1, 0].map((index) => Math.floor(address / 256 ** index) % 256).join(".");
}

/** `a.b.c.d/bits`, or `undefined` when it is none. Host bits are cut. */
export function toRange(cidr: string): Range | undefined {
  const found = /^([\d.]+)\/(\d{1,2})$/.exec(cidr);
  const address = found && toNumber(found[1]!);
  const bits = Number(found?.[2]);
  if (address === undefined || address === null || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
  return { base: Math.floor(address / size) * size, bits };
}

export function inside(range: Range, address: number): boolean {
  return address >= range.base && address < range.base + 2 ** (32 - range.bits);
}

/** What the controller's address assignment looks at. */
export interface AssignmentInput {
  readonly nodeId: string;
  readonly pools: readonly { readonly ipRangeStart: string; readonly ipRangeEnd: string }[];
  readonly routes: readonly { readonly target: string }[];
  readonly taken: ReadonlySet<string>;
}

/**
 * The address that a controller gives a node by itself: the low 32 bits of its id modulo the size of the
 * pool, the next free one after that; never one that ends in .255, never one outside of all routes. So a node
 * gets the same address after it was deleted and asked again.
 *
 * Source: ZeroTierOne `controller/EmbeddedNetworkController.cpp`, seen on real nodes.
 */
export function assignAddress({ nodeId, pools, routes, taken }: AssignmentInput): string | undefined {
  const ranges = routes.flatMap(({ target }) => toRange(target) ?? []);
  for (const { ipRangeStart, ipRangeEnd } of pools) {
    const start = toNumber(ipRangeStart);
    const end = toNumber(ipRangeEnd);
    if (!start || end === undefined || end < start) continue;
    const size = end - start;
    const first = Number(BigInt(`0x${nodeId}`) & 0xffff_ffffn);
    for (let tried = 0; tried < Math.min(1000, size + 1); tried++) {
      const address = size > 0 ? start + ((first + tried) % size) : start;
      if (address % 256 === 255) continue;
      const text = toText(address);
      if (!taken.has(text) && ranges.some((range) => inside(range, address))) return text;
    }
  }
  return undefined;
}
