import type { Duplex } from "node:stream";
import { type ContainerProgram, flag } from "../docker/container.js";
import { sslDirectory } from "./certificates.js";
import { canDial } from "./ports.js";

// How long a majority of etcd may take to answer before a request fails.
const etcdPatienceMs = 5_000;

/** Serves the cluster of the machine's CA on 6443, as long as a majority of etcd can be reached. */
export const kubeApiserver: ContainerProgram = ({ world, clusters, machine, spec }) => {
  const read = (name: string) => machine.files.read(`${sslDirectory}/${name}.pem`);
  const [certPem, keyPem, clientCaPem] = [
    read("kube-apiserver"),
    read("kube-apiserver-key"),
    read("kube-ca"),
  ];
  if (certPem === undefined || keyPem === undefined || clientCaPem === undefined) {
    return { exitCode: 1, logs: `open ${sslDirectory}/kube-apiserver.pem: no such file or directory` };
  }
  const cluster = clusters.forCertificateAuthority(clientCaPem);
  const etcdServers = (flag(spec, "etcd-servers") ?? "").split(",").filter(Boolean);
  const open = new Set<Duplex>();

  async function hasQuorum(): Promise<boolean> {
    const needed = Math.floor(etcdServers.length / 2) + 1;
    return new Promise((resolve) => {
      let reached = 0;
      // Where everything happens at once, patience still takes its time.
      const patience = setTimeout(() => settle(false), etcdPatienceMs * (world.clock.scale || 1));
      const settle = (isAlive: boolean) => {
        clearTimeout(patience);
        resolve(isAlive);
      };
      const dials = etcdServers.map(async (server) => {
        const { hostname, port } = new URL(server);
        if (!(await canDial(machine, hostname, Number(port)))) return;
        reached += 1;
        if (reached >= needed) settle(true);
      });
      void Promise.all(dials).then(() => settle(reached >= needed));
    });
  }

  const close = machine.listen(6443, (stream) => {
    open.add(stream);
    stream.on("error", () => {});
    stream.on("close", () => open.delete(stream));
    void hasQuorum().then((isAlive) => {
      if (isAlive && open.has(stream)) cluster.accept(stream, { certPem, keyPem, clientCaPem });
      else stream.destroy();
    });
  });
  return {
    end() {
      close();
      for (const stream of open) stream.destroy();
    },
  };
};
