import { heartbeat } from "../../kubernetes/heartbeat.js";
import { type ContainerProgram, flag } from "../docker/container.js";
import { kubernetesVersionOf } from "../images.js";
import { sslDirectory } from "./certificates.js";
import { canDial, listenOn } from "./ports.js";

/**
 * Registers its machine as a node, through the API servers that the machine can reach. The node is Ready
 * once the pod network runs on it.
 */
export const kubelet: ContainerProgram = async ({ world, clusters, machine, spec, running }) => {
  const caPem = machine.files.read(`${sslDirectory}/kube-ca.pem`);
  if (caPem === undefined) {
    return { exitCode: 1, logs: `unable to load client CA file ${sslDirectory}/kube-ca.pem` };
  }
  const name = flag(spec, "hostname-override") ?? machine.spec.hostname;
  const internalIP = flag(spec, "node-ip") ?? "";
  if (!machine.addresses().includes(internalIP)) {
    return { exitCode: 1, logs: `node IP: "${internalIP}" not found in the host's network interfaces` };
  }
  const proxied = running("nginx-proxy")?.spec.environment.CP_HOSTS?.split(",") ?? [];
  const servers = running("kube-apiserver") ? [internalIP] : proxied;
  if (!(await anyReachable(servers, (host) => canDial(machine, host, 6443)))) {
    return { exitCode: 1, logs: "dial tcp 127.0.0.1:6443: connect: connection refused" };
  }
  const cluster = clusters.forCertificateAuthority(caPem);
  const labels = Object.fromEntries(
    (flag(spec, "node-labels") ?? "")
      .split(",")
      .filter(Boolean)
      .map((label) => label.split("=") as [string, string]),
  );
  cluster.registerNode({
    name,
    labels,
    internalIP,
    version: kubernetesVersionOf(spec.image),
    ready: running("kube-flannel") !== undefined,
    roles: ["controlplane", "etcd", "worker"].filter((role) => labels[`node-role.kubernetes.io/${role}`]),
  });
  const beat = heartbeat(world, machine, (ready) =>
    cluster.setNodeReady(name, ready && running("kube-flannel") !== undefined),
  );
  const ports = await listenOn(10250)({ world, clusters, machine, spec, running });
  return {
    end() {
      if ("end" in ports) ports.end();
      beat.stop(() => running("kubelet") !== undefined);
    },
  };
};

async function anyReachable(
  hosts: readonly string[],
  reach: (host: string) => Promise<boolean>,
): Promise<boolean> {
  const attempts = hosts.map(async (host) => {
    if (!(await reach(host))) throw new Error(host);
  });
  return Promise.any(attempts).then(
    () => true,
    () => false,
  );
}
