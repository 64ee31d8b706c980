/** An IPv4 range as numbers, first and last address included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** Reads an IPv4 CIDR whose host bits are zero; `undefined` when it is none. */
export function parseCidr(text: string): Range | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!match) return undefined;
  const numbers = match.slice(1).map(Number);
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = numbers;
  if (bits > 32 || Math.max(a, b, c, d) > 255) return undefined;
  const size = 2 ** (32 - bits);
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  return first % size === 0 ? { first, last: first + size - 1 } : undefined;
}

/** Whether two ranges have an address in common. */
export function overlap(one: Range, other: Range): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** The n-th address of a CIDR, counted from 0; `undefined` when the range is none or too small. */
export function addressIn(cidr: string, n: number): string | undefined {
  const range = parseCidr(cidr);
  if (!range || range.first + n > range.last) return undefined;
  const value = range.first + n;
  return [value / 2 ** 24, value / 2 ** 16, value / 2 ** 8, value]
    .map((part) => Math.floor(part) % 256)
    .join(".");
}
