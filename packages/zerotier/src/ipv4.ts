/** An IPv4 network. */
export interface Cidr {
  /** First address as a number. */
  readonly base: number;
  readonly bits: number;
}

/** The address as an unsigned 32-bit number, or `undefined` when it is no dotted IPv4 address. */
export function parseAddress(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** The network, or `undefined` when it is no `a.b.c.d/bits` or has host bits set. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = "", length = "", ...rest] = text.split("/");
  const base = parseAddress(address);
  if (base === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length)) return undefined;
  const bits = Number(length);
  return bits <= 32 && base % 2 ** (32 - bits) === 0 ? { base, bits } : undefined;
}

/** Dotted form of an address. */
export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** Whether an address is inside a network. */
export function contains(cidr: Cidr, address: number): boolean {
  return address >= cidr.base && address < cidr.base + 2 ** (32 - cidr.bits);
}

/** All host addresses of a network: without the network's own and the broadcast address. */
export function hostRange(cidr: Cidr): { readonly start: string; readonly end: string } {
  return {
    start: formatAddress(cidr.base + 1),
    end: formatAddress(cidr.base + 2 ** (32 - cidr.bits) - 2),
  };
}
