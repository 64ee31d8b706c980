import type { ContainerProgram } from "../docker/container.js";

/** Where RKE keeps certificates on a node. */
export const sslDirectory = "/etc/kubernetes/ssl";

/**
 * RKE hands certificates to a container as environment variables, which writes each to a file: `KUBE_CA`
 * to `kube-ca.pem`, `KUBE_CA_KEY` to `kube-ca-key.pem`, `KUBECFG_KUBE_NODE` to `kubecfg-kube-node.yaml`.
 */
export const certDeployer: ContainerProgram = async ({ world, machine, spec }) => {
  let isChanged = false;
  for (const [name, content] of Object.entries(spec.environment)) {
    const stem = name.toLowerCase().replaceAll("_", "-");
    const path = `${sslDirectory}/${stem}.${stem.startsWith("kubecfg") ? "yaml" : "pem"}`;
    if (machine.files.read(path) === content) continue;
    machine.files.write(path, content, { mode: 0o600, owner: "root:root" });
    isChanged = true;
  }
  if (isChanged) {
    await world.effects.record({
      service: "rke",
      kind: "certificate",
      action: "create",
      name: machine.spec.hostname,
    });
  }
  return { exitCode: 0, logs: "" };
};

/** Prints the CA certificate of the machine. */
export const certFetcher: ContainerProgram = ({ machine }) => {
  const pem = machine.files.read(`${sslDirectory}/kube-ca.pem`);
  return pem === undefined ? { exitCode: 1, logs: "" } : { exitCode: 0, logs: pem };
};

/** Removes what a cluster left on the machine. */
export const cleanup: ContainerProgram = async ({ world, machine }) => {
  // The file view removes whole directories.
  const hadCertificates = machine.files.exists(`${sslDirectory}/kube-ca.pem`);
  for (const path of ["/etc/kubernetes", "/etc/cni", "/opt/cni", "/var/lib/cni", "/var/lib/etcd"]) {
    if (machine.files.exists(path)) machine.files.remove(path);
  }
  if (hadCertificates) {
    await world.effects.record({
      service: "rke",
      kind: "certificate",
      action: "delete",
      name: machine.spec.hostname,
    });
  }
  return { exitCode: 0, logs: "" };
};
