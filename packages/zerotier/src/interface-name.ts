const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/**
 * Name of the network interface that ZeroTier makes on Linux for a network: `zt` and 40 bits of the network
 * id, folded, in base32. The same on every node, so it is known before any node exists.
 *
 * A node uses another name only when an interface of this name was there already, or when its
 * `/var/lib/zerotier-one/devicemap` says so.
 *
 * Source: ZeroTierOne `osdep/LinuxEthernetTap.cpp`.
 *
 * @param networkId 16 hexadecimal digits.
 * @throws RangeError when it is not a network id.
 */
export function interfaceName(networkId: string): string {
  if (!isNetworkId(networkId.toLowerCase())) throw new RangeError(`not a ZeroTier network id: ${networkId}`);
  const id = BigInt(`0x${networkId}`);
  const folded = (id ^ (id >> 24n)) & 0xff_ffff_ffffn;
  let name = "zt";
  for (let shift = 35n; shift >= 0n; shift -= 5n) name += alphabet[Number((folded >> shift) & 31n)];
  return name;
}

/** Whether a text has the form of a network id: 16 lower-case hexadecimal digits. */
export function isNetworkId(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}

/** Whether a text has the form of a node id (ZeroTier address): 10 lower-case hexadecimal digits. */
export function isNodeId(text: string): boolean {
  return /^[0-9a-f]{10}$/.test(text);
}
