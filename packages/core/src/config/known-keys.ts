import type { Problem } from "../contracts/context.js";
import { nearest } from "../plugin/nearest.js";

/** A problem for each key of `value` that is not allowed there. */
export function unknownKeys(path: string, value: object, allowed: readonly string[]): Problem[] {
  return Object.keys(value)
    .filter((key) => !allowed.includes(key))
    .map((key) => {
      const suggestion = nearest(key, allowed);
      return {
        path: path ? `${path}.${key}` : key,
        message: "unknown key",
        given: key,
        allowed,
        ...(suggestion ? { suggestion } : {}),
      };
    });
}

/** Keys of the configuration by the kind of object they stand in. */
export const configKeys = {
  root: [
    "name",
    "sites",
    "overlay",
    "engine",
    "entrypoint",
    "api",
    "addons",
    "ssh",
    "boot",
    "firewall",
    "state",
    "dialer",
    "timing",
  ],
  site: ["provider", "masters", "workers", "nat", "jump", "gateway", "cidr", "concurrency"],
  pool: ["count", "size", "image", "disk", "labels", "boot", "providerOptions"],
  gatewayMachine: ["size", "image", "disk", "boot", "providerOptions"],
  disk: ["sizeGiB", "type"],
  nat: ["publicAddress"],
  jump: ["host", "port", "user", "hostKey", "privateKeyFile"],
  ssh: ["user", "privateKeyFile"],
  timing: ["pollMs", "machineMs", "sshMs", "bootMs", "prepareMs", "overlayMs", "engineMs", "addonMs"],
  firewall: ["protocol", "port", "sources"],
} as const;
