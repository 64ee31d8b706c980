import type { NodeFragment } from "@multicloud/core/plugin";
import type { ZeroTierOptions } from "./options.js";
import { signingKey } from "./signing-key.js";

/** Where the daemon keeps identity, memberships and settings. */
export const home = "/var/lib/zerotier-one";
/** The daemon's settings as we want them. Written before the package is installed. */
export const settingsFile = "/etc/multicloud/zerotier-local.conf";
/** The settings that were there before us; empty when there were none. */
export const formerSettings = "/etc/multicloud/zerotier-local.conf.before";

/** Starts of the names of interfaces that carry pods or containers. ZeroTier over the pod network would go round in a circle. */
const defaultInterfacePrefixBlacklist: readonly string[] = [
  "flannel",
  "cni",
  "veth",
  "cali",
  "docker",
  "br-",
  "kube-",
  "tunl",
  "vxlan",
  "cilium",
  "lxc",
];

/**
 * What a node needs to be on a network at boot: ZeroTier's APT repository and package, its settings, and the
 * membership. No secret is in it: the node makes its own identity at the daemon's first start.
 *
 * The settings are kept outside of ZeroTier's home and copied there, because the daemon takes over every file
 * of its home at each start (it gives them to its own user): a file managed there would never be as wanted.
 * The network is joined by command and not by an empty `networks.d/<id>.conf`, because the package starts the
 * daemon at once and a running daemon does not look there.
 */
export function bootFragment(networkId: string, options: ZeroTierOptions): NodeFragment {
  const release = options.release ?? "bookworm";
  const repository = options.repository ?? `https://download.zerotier.com/debian/${release}`;
  return {
    aptSources: [
      {
        name: "zerotier",
        source: `deb ${repository} ${release} main`,
        key: options.signingKey ?? signingKey,
      },
    ],
    packages: ["zerotier-one"],
    files: [{ path: settingsFile, content: localConf(options) }],
    services: [{ name: "zerotier-one" }],
    leftovers: [home],
    commands: [
      {
        name: "zerotier settings",
        unless: `[ "$(cat ${settingsFile})" = "$(cat ${home}/local.conf 2>/dev/null)" ]`,
        run: [
          "set -e",
          `mkdir -p ${home}`,
          // Somebody's own settings come back when the machine is given back.
          `if [ ! -e ${formerSettings} ]; then`,
          `  if [ -e ${home}/local.conf ]; then cp ${home}/local.conf ${formerSettings}.new; else : >${formerSettings}.new; fi`,
          `  mv ${formerSettings}.new ${formerSettings}`,
          "fi",
          `cp ${settingsFile} ${home}/local.conf`,
          "systemctl restart zerotier-one",
        ].join("\n"),
      },
      {
        name: "zerotier join",
        unless: `zerotier-cli listnetworks 2>/dev/null | grep -q "^200 listnetworks ${networkId} "`,
        // The daemon answers within two seconds of its start; a join that is there already is no error.
        run: [
          "count=0",
          `until zerotier-cli join ${networkId}; do`,
          "  count=$((count + 1))",
          '  if [ "$count" -ge 60 ]; then exit 1; fi',
          "  sleep 1",
          "done",
        ].join("\n"),
      },
    ],
  };
}

/** ZeroTier's `local.conf` (docs.zerotier.com/config): keys sorted by hand, so that the same options give the same bytes. */
function localConf(options: ZeroTierOptions): string {
  const blacklist = [...(options.blacklist ?? [])].sort();
  const settings = {
    // Frames relayed over TCP by somebody far away make a cluster that looks alive and is not.
    allowTcpFallbackRelay: false,
    interfacePrefixBlacklist: options.interfacePrefixBlacklist ?? defaultInterfacePrefixBlacklist,
    softwareUpdate: "disable",
  };
  const physical = Object.fromEntries(blacklist.map((cidr) => [cidr, { blacklist: true }]));
  return `${JSON.stringify({ ...(blacklist.length ? { physical } : {}), settings }, null, 2)}\n`;
}
