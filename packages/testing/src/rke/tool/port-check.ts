import { imagesOf } from "../images.js";
import type { ClusterFile, FileNode } from "./cluster-file.js";
import type { Host } from "./hosts.js";
import { Fatal, type Log } from "./run.js";

const listeners = [
  { role: "etcd", listener: "rke-etcd-port-listener", service: "etcd" },
  { role: "controlplane", listener: "rke-cp-port-listener", service: "kube-apiserver" },
  { role: "worker", listener: "rke-worker-port-listener", service: "kubelet" },
] as const;

/**
 * Checks that the nodes reach each other at their internal addresses, as RKE does before it brings new
 * nodes into a cluster: listeners on their ports, and a checker on every node.
 */
export async function checkPorts(file: ClusterFile, hosts: readonly Host[], log: Log): Promise<void> {
  const image = imagesOf(file.version)!.tools;
  await log.info("[network] Deploying port listener containers");
  await Promise.all(
    hosts.map(async ({ node, docker }) => {
      const present = await docker.names();
      for (const { role, listener, service } of listeners) {
        if (present.includes(listener)) await docker.remove(listener);
        if (!node.role.includes(role) || present.includes(service)) continue;
        await docker.start(listener, { image });
      }
    }),
  );
  await log.info("[network] Running all -> all port checks");
  const closed = await Promise.all(
    hosts.map(async ({ node, docker }) => {
      const TARGETS = targetsOf(node, hosts).join(",");
      const { logs } = await docker.runJob("rke-port-checker", { image, environment: { TARGETS } });
      return { node, ports: logs.split("\n").filter(Boolean) };
    }),
  );
  await log.info("[network] Removing port listener containers");
  await Promise.all(
    hosts.map(async ({ docker }) => {
      for (const { listener } of listeners) await docker.remove(listener);
    }),
  );
  const failed = closed.find(({ ports }) => ports.length > 0);
  if (!failed) return;
  throw new Fatal(
    `[network] Host [${failed.node.address}] is not able to connect to the following ports: [${failed.ports.join(", ")}]. Please check network policies and firewall rules`,
  );
}

function targetsOf(node: FileNode, hosts: readonly Host[]): string[] {
  const at = (role: string, ...ports: readonly number[]) =>
    hosts
      .filter((host) => host.node.role.includes(role))
      .flatMap((host) => ports.map((port) => `${host.node.internal_address}:${port}`));
  return [
    ...(node.role.includes("etcd") ? at("etcd", 2379, 2380) : []),
    ...(node.role.includes("controlplane") ? [...at("etcd", 2379), ...at("worker", 10250)] : []),
    ...(node.role.includes("worker") ? at("controlplane", 6443) : []),
  ];
}
