import type { NodeFragment, PlannedNode } from "@multicloud/core/plugin";
import { volumePluginDirectory } from "./cluster-yml/render.js";
import type { Settings } from "./options.js";

/** Where every node keeps a copy of RKE's state. */
export const nodeStateDirectory = "/opt/rke";

/** What a node needs before RKE can use it: Docker, the login user in its group, and Longhorn's prerequisites. */
export function prepareNode(_node: PlannedNode, user: string, settings: Settings): NodeFragment {
  const daemon = {
    ...(settings.dockerDns?.length && { dns: settings.dockerDns }),
    "log-driver": "json-file",
    "log-opts": { "max-size": "10m", "max-file": "3" },
  };
  return {
    packages: ["docker.io", "open-iscsi", "nfs-common"],
    directories: [{ path: nodeStateDirectory, mode: "0700" }, { path: volumePluginDirectory }],
    files: [
      { path: "/etc/docker/daemon.json", content: `${JSON.stringify(daemon, null, 2)}\n` },
      { path: "/etc/modules-load.d/rke.conf", content: "br_netfilter\noverlay\n" },
    ],
    // RKE drives Docker as the login user; root needs no group for that.
    ...(user !== "root" && { users: [{ name: user, groups: ["docker"] }] }),
    sysctl: {
      "net.ipv4.ip_forward": "1",
      "net.bridge.bridge-nf-call-iptables": "1",
      "net.bridge.bridge-nf-call-ip6tables": "1",
      ...(settings.disableIpv6 && {
        "net.ipv6.conf.all.disable_ipv6": "1",
        "net.ipv6.conf.default.disable_ipv6": "1",
      }),
    },
    services: [{ name: "docker", restartOn: ["/etc/docker/daemon.json"] }, { name: "iscsid" }],
    commands: [
      {
        name: "kernel modules",
        run: "modprobe -a br_netfilter overlay",
        unless: "test -e /proc/sys/net/bridge/bridge-nf-call-iptables && grep -qw overlay /proc/filesystems",
      },
    ],
  };
}
