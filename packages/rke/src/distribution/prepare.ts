import type { NodeFragment, PlannedNode } from "@multicloud/core/plugin";
import type { Distribution } from "./distribution.js";
import type { DistributionSettings } from "./options.js";

/** What a node needs before its service starts: kernel modules and settings, tools, and Longhorn's prerequisites. */
export function prepareDistributionNode(
  distribution: Distribution,
  settings: DistributionSettings,
  node: PlannedNode,
): NodeFragment {
  const needsEtcdUser = settings.cis && distribution.hardened.etcdUser && node.role === "master";
  return {
    packages: ["ca-certificates", "curl", "iputils-ping", "open-iscsi", "nfs-common"],
    files: [{ path: `/etc/modules-load.d/${distribution.name}.conf`, content: "br_netfilter\noverlay\n" }],
    sysctl: {
      "net.ipv4.ip_forward": "1",
      // What a kubelet insists on with protect-kernel-defaults.
      ...(settings.cis && {
        "vm.panic_on_oom": "0",
        "vm.overcommit_memory": "1",
        "kernel.panic": "10",
        "kernel.panic_on_oops": "1",
      }),
    },
    services: [{ name: "iscsid" }],
    commands: [
      {
        name: "kernel modules",
        run: "modprobe -a br_netfilter overlay",
        unless: "test -e /proc/sys/net/bridge/bridge-nf-call-iptables && grep -qw overlay /proc/filesystems",
      },
      ...(needsEtcdUser
        ? [
            {
              name: "etcd user",
              run: "useradd -r -U -M -s /usr/sbin/nologin etcd",
              unless: "id etcd",
            },
          ]
        : []),
    ],
  };
}
