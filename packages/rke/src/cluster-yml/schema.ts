import { cloudProvider } from "./cloud-provider.js";
import { network, updateStrategy } from "./network.js";
import { services } from "./services.js";
import { all, type ValueOf } from "./shape.js";

const sshAccess = {
  ssh_agent_auth: "boolean",
  ssh_key: "secret",
  ...all("string", "ssh_key_path", "ssh_cert", "ssh_cert_path"),
} as const;

const node = {
  keys: {
    ...all("string", "nodeName", "address", "port", "internal_address", "hostname_override", "user"),
    ...all("string", "docker_socket"),
    role: { list: { oneOf: ["controlplane", "etcd", "worker"] } },
    ...sshAccess,
    labels: { map: "string" },
    taints: {
      list: {
        keys: {
          ...all("string", "key", "value"),
          effect: { oneOf: ["NoSchedule", "PreferNoSchedule", "NoExecute"] },
          timeAdded: "object",
        },
      },
    },
  },
} as const;

const ingress = {
  keys: {
    provider: { oneOf: ["nginx", "none"] },
    network_mode: { oneOf: ["hostNetwork", "hostPort", "none"] },
    ...all({ map: "string" }, "options", "node_selector", "extra_args"),
    ...all({ list: "object" }, "extra_envs", "extra_volumes", "extra_volume_mounts", "tolerations"),
    ...all("integer", "http_port", "https_port"),
    ...all("boolean", "default_backend", "default_ingress_class"),
    ...all("string", "dns_policy", "default_http_backend_priority_class_name"),
    ...all("string", "nginx_ingress_controller_priority_class_name"),
    update_strategy: updateStrategy,
  },
} as const;

const dns = {
  keys: {
    provider: { oneOf: ["coredns", "kube-dns", "none"] },
    ...all({ map: "string" }, "options", "node_selector"),
    ...all({ list: "string" }, "upstreamnameservers", "reversecidrs"),
    stubdomains: { map: { list: "string" } },
    nodelocal: {
      keys: {
        ...all("string", "ip_address", "node_local_dns_priority_class_name"),
        update_strategy: updateStrategy,
        node_selector: { map: "string" },
      },
    },
    update_strategy: updateStrategy,
    linear_autoscaler_params: {
      keys: {
        ...all("number", "cores_per_replica", "nodes_per_replica"),
        ...all("integer", "min", "max"),
        prevent_single_point_failure: "boolean",
      },
    },
    tolerations: { list: "object" },
  },
} as const;

const upgradeStrategy = {
  keys: {
    ...all("string", "max_unavailable_worker", "max_unavailable_controlplane"),
    drain: "boolean",
    node_drain_input: {
      keys: {
        ...all("boolean", "force", "ignore_daemonsets", "delete_local_data"),
        ...all("integer", "grace_period", "timeout"),
      },
    },
  },
} as const;

const privateRegistry = {
  keys: {
    ...all("string", "url", "user"),
    password: "secret",
    is_default: "boolean",
    ecr_credential_plugin: {
      keys: all("secret", "aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
    },
  },
} as const;

const systemImages = {
  keys: all(
    "string",
    "etcd",
    "alpine",
    "nginx_proxy",
    "cert_downloader",
    "kubernetes_services_sidecar",
    "kubedns",
    "dnsmasq",
    "kubedns_sidecar",
    "kubedns_autoscaler",
    "coredns",
    "coredns_autoscaler",
    "nodelocal",
    "kubernetes",
    "flannel",
    "flannel_cni",
    "calico_node",
    "calico_cni",
    "calico_controllers",
    "calico_ctl",
    "calico_flexvol",
    "canal_node",
    "canal_cni",
    "canal_controllers",
    "canal_flannel",
    "canal_flexvol",
    "weave_node",
    "weave_cni",
    "pod_infra_container",
    "ingress",
    "ingress_backend",
    "ingress_webhook",
    "metrics_server",
    "windows_pod_infra_container",
    "aci_cni_deploy_container",
    "aci_host_container",
    "aci_opflex_container",
    "aci_mcast_container",
    "aci_ovs_container",
    "aci_controller_container",
    "aci_gbp_server_container",
    "aci_opflex_server_container",
  ),
} as const;

/** Every key of RKE's `cluster.yml`. Source: RKE `types/rke_types.go`, release v1.6. */
export const clusterYml = {
  keys: {
    nodes: { list: node },
    services,
    network,
    authentication: {
      keys: {
        strategy: { oneOf: ["x509", "x509|webhook"] },
        sans: { list: "string" },
        webhook: { keys: { config_file: "secret", cache_timeout: "string" } },
      },
    },
    addons: "string",
    addons_include: { list: "string" },
    system_images: systemImages,
    ...all("string", "ssh_key_path", "ssh_cert_path", "kubernetes_version", "cluster_name"),
    ...all("string", "prefix_path", "win_prefix_path"),
    ...all(
      "boolean",
      "ssh_agent_auth",
      "ignore_docker_version",
      "enable_cri_dockerd",
      "rotate_encryption_key",
    ),
    authorization: { keys: { mode: { oneOf: ["rbac", "none"] }, options: { map: "string" } } },
    private_registries: { list: privateRegistry },
    ingress,
    cloud_provider: cloudProvider,
    addon_job_timeout: "integer",
    bastion_host: {
      keys: { ...all("string", "address", "port", "user"), ...sshAccess, ignore_proxy_env_vars: "boolean" },
    },
    monitoring: {
      keys: {
        provider: { oneOf: ["metrics-server", "none"] },
        ...all({ map: "string" }, "options", "node_selector"),
        update_strategy: updateStrategy,
        replicas: "integer",
        tolerations: { list: "object" },
        metrics_server_priority_class_name: "string",
      },
    },
    restore: { keys: { restore: "boolean", snapshot_name: "string" } },
    rotate_certificates: {
      keys: {
        cacertificates: "boolean",
        services: {
          list: {
            oneOf: [
              "etcd",
              "kubelet",
              "kube-apiserver",
              "kube-proxy",
              "kube-scheduler",
              "kube-controller-manager",
            ],
          },
        },
      },
    },
    dns,
    upgrade_strategy: upgradeStrategy,
    ...all("string", "cri_dockerd_stream_server_address", "cri_dockerd_stream_server_port"),
  },
} as const;

/** A whole `cluster.yml`, as RKE reads it. */
export type ClusterYml = ValueOf<typeof clusterYml>;

/** One node of a `cluster.yml`. */
export type ClusterYmlNode = ValueOf<typeof node>;
