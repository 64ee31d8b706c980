import { createHash } from "node:crypto";

/** Linux interface of a network: `zt` and base32 (a-z2-7) of `(id XOR id >> 24)` cut to 40 bits. */
export function deviceName(networkId: string): string {
  const id = BigInt(`0x${networkId}`);
  let rest = (id ^ (id >> 24n)) % 2n ** 40n;
  let text = "";
  for (let n = 0; n < 8; n++) {
    text = "abcdefghijklmnopqrstuvwxyz234567".charAt(Number(rest % 32n)) + text;
    rest /= 32n;
  }
  return `zt${text}`;
}

/** Ethernet address of a node on a network (ZeroTierOne `node/MAC.hpp`). */
export function macAddress(networkId: string, nodeId: string): string {
  const network = Buffer.from(networkId, "hex").reverse();
  const node = Buffer.from(nodeId, "hex");
  const first = (network[0]! & 0xfe) | 0x02;
  const rest = [...node].map((octet, index) => octet ^ network[index + 1]!);
  const octets = [first === 0x52 ? 0x32 : first, ...rest];
  return octets.map((octet) => octet.toString(16).padStart(2, "0")).join(":");
}

/** Hexadecimal digits that depend on nothing but the text, so that a sandbox's run can be repeated. */
export function digits(text: string, count: number): string {
  let result = "";
  for (let n = 0; result.length < count; n++)
    result += createHash("sha512").update(`${n} ${text}`).digest("hex");
  return result.slice(0, count);
}

/** A node's key pair in ZeroTier's text form. The address never begins with ff, which is reserved. */
export function makeIdentity(seed: string): { readonly public: string; readonly secret: string } {
  const address = `1${digits(`address ${seed}`, 9)}`;
  const publicKey = `${address}:0:${digits(`public ${seed}`, 128)}`;
  return { public: publicKey, secret: `${publicKey}:${digits(`secret ${seed}`, 128)}` };
}
