import type { Duplex } from "node:stream";
import type { KeyPair } from "../rke/certificates/authority.js";
import type { VirtualMachine } from "../world/machines.js";
import type { World } from "../world/world.js";
import { type DistributionCluster, hasQuorum } from "./distribution-cluster.js";

/** The Kubernetes API on 6443, as long as a majority of etcd can be reached. Returns what closes it. */
export function serveApi(
  world: World,
  cluster: DistributionCluster,
  machine: VirtualMachine,
  serving: KeyPair,
): () => void {
  const open = new Set<Duplex>();
  const close = machine.listen(6443, (stream) => {
    open.add(stream);
    stream.on("error", () => {});
    stream.on("close", () => open.delete(stream));
    void hasQuorum(world, cluster, machine).then((alive) => {
      if (!alive || !open.has(stream)) return stream.destroy();
      return cluster.kubernetes.accept(stream, { ...serving, clientCaPem: cluster.clientCa.certPem });
    });
  });
  return () => {
    close();
    for (const stream of open) stream.destroy();
  };
}
