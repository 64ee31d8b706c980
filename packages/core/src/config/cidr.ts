import { isIPv4 } from "node:net";

/** An IPv4 range as its first and last address, or `undefined` when the text is none. */
export function parseCidr(text: string): { readonly first: number; readonly last: number } | undefined {
  const [address, bits = "32", rest] = text.split("/");
  if (rest !== undefined || !address || !isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32)
    return undefined;
  const size = 2 ** (32 - Number(bits));
  const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = Math.floor(value / size) * size;
  return { first, last: first + size - 1 };
}

/** Whether two IPv4 ranges share an address. Texts that are no ranges share nothing. */
export function cidrsOverlap(a: string, b: string): boolean {
  const left = parseCidr(a);
  const right = parseCidr(b);
  return left !== undefined && right !== undefined && left.first <= right.last && right.first <= left.last;
}
