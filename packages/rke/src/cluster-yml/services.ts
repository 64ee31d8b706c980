import { all } from "./shape.js";

// What every component takes: arguments, mounts and environment of its container, for Linux and Windows.
const process = {
  ...all("string", "image"),
  ...all({ map: "string" }, "extra_args", "win_extra_args"),
  ...all({ map: { list: "string" } }, "extra_args_array", "win_extra_args_array"),
  ...all({ list: "string" }, "extra_binds", "extra_env", "win_extra_binds", "win_extra_env"),
} as const;

const snapshots = {
  keys: {
    ...all("boolean", "enabled", "safe_timestamp"),
    ...all("integer", "interval_hours", "retention", "timeout"),
    s3backupconfig: {
      keys: {
        ...all("secret", "access_key", "secret_key"),
        ...all("string", "bucket_name", "region", "endpoint", "custom_ca", "folder"),
      },
    },
  },
} as const;

const auditLog = {
  keys: {
    enabled: "boolean",
    configuration: {
      keys: {
        ...all("integer", "max_age", "max_backup", "max_size"),
        ...all("string", "path", "format"),
        policy: "object",
      },
    },
  },
} as const;

/** `services`: the components that RKE runs as containers. Source: RKE `types/rke_types.go`. */
export const services = {
  keys: {
    etcd: {
      keys: {
        ...process,
        external_urls: { list: "string" },
        ...all("string", "ca_cert", "cert", "path", "retention", "creation"),
        key: "secret",
        ...all("integer", "uid", "gid"),
        snapshot: "boolean",
        backup_config: snapshots,
      },
    },
    "kube-api": {
      keys: {
        ...process,
        ...all("string", "service_cluster_ip_range", "service_node_port_range", "pod_security_configuration"),
        always_pull_images: "boolean",
        secrets_encryption_config: { keys: { enabled: "boolean", custom_config: "object" } },
        audit_log: auditLog,
        admission_configuration: "object",
        event_rate_limit: { keys: { enabled: "boolean", configuration: "object" } },
      },
    },
    "kube-controller": {
      keys: { ...process, ...all("string", "cluster_cidr", "service_cluster_ip_range") },
    },
    scheduler: { keys: process },
    kubelet: {
      keys: {
        ...process,
        ...all("string", "cluster_domain", "infra_container_image", "cluster_dns_server"),
        ...all("boolean", "fail_swap_on", "generate_serving_certificate"),
      },
    },
    kubeproxy: { keys: process },
  },
} as const;
