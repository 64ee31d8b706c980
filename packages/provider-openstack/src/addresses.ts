import type { Machine } from "@multicloud/core/plugin";
import type { Server } from "./client/index.js";

/**
 * The public and the private address of a server. A floating IP is public. Of the fixed ones those are that
 * are of no private range, and all of `publicNetwork`. IPv4 goes before IPv6.
 */
export function addressesOf(
  server: Server,
  publicNetwork?: string,
): Pick<Machine, "publicAddress" | "privateAddress"> {
  const all = Object.entries(server.addresses)
    .flatMap(([network, addresses]) => addresses.map((address) => ({ network, ...address })))
    .sort((a, b) => a.version - b.version);
  const isPublic = (address: (typeof all)[number]) =>
    address["OS-EXT-IPS:type"] === "floating" ||
    address.network === publicNetwork ||
    !isPrivate(address.addr);
  const floating = all.find((address) => address["OS-EXT-IPS:type"] === "floating");
  const publicAddress = (floating ?? all.find(isPublic))?.addr;
  const privateAddress = all.find((address) => !isPublic(address))?.addr;
  return {
    ...(publicAddress === undefined ? {} : { publicAddress }),
    ...(privateAddress === undefined ? {} : { privateAddress }),
  };
}

/** Private (RFC 1918, RFC 4193), shared (RFC 6598), link-local (RFC 3927, RFC 4291) and loopback addresses. */
function isPrivate(address: string): boolean {
  if (address.includes(":")) return /^(f[cd]|fe[89ab]|::1$)/i.test(address);
  const [a = 0, b = 0] = address.split(".").map(Number);
  return (
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 169 && b === 254)
  );
}
