import { aci } from "./aci.js";

/** How a DaemonSet is updated. */
export const updateStrategy = { keys: { strategy: "string", rollingupdate: "object" } } as const;

/** `network`: the pod network. Source: RKE `types/rke_types.go`, `cluster/network.go`. */
export const network = {
  keys: {
    plugin: { oneOf: ["flannel", "calico", "canal", "weave", "aci", "none"] },
    options: { map: "string" },
    mtu: "integer",
    calico_network_provider: { keys: { cloudprovider: "string" } },
    canal_network_provider: { keys: { iface: "string" } },
    flannel_network_provider: { keys: { iface: "string" } },
    weave_network_provider: { keys: { password: "secret" } },
    aci_network_provider: aci,
    node_selector: { map: "string" },
    update_strategy: updateStrategy,
    tolerations: { list: "object" },
  },
} as const;
