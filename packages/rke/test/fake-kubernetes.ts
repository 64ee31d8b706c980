import { createServer } from "node:http";
import { createSecureContext, TLSSocket, connect as tlsConnect } from "node:tls";
import type { Dialer, KubernetesApi, KubernetesConnect, KubernetesNode } from "@multicloud/core/plugin";
import { parse } from "yaml";
import type { KubernetesCluster, KubernetesClusters } from "../../testing/src/rke/clusters.js";

/** Clusters that know nothing but nodes, served over real TLS as JSON. */
export function fakeClusters(): KubernetesClusters & { readonly size: number } {
  const clusters = new Map<string, KubernetesCluster>();
  return {
    get size() {
      return new Set(clusters.values()).size;
    },
    forCertificateAuthority(caPem) {
      const known = clusters.get(caPem);
      if (known) return known;
      const nodes = new Map<string, KubernetesNode>();
      const server = createServer((_request, response) => response.end(JSON.stringify([...nodes.values()])));
      const cluster: KubernetesCluster = {
        accept(stream, { certPem, keyPem, clientCaPem }) {
          const secureContext = createSecureContext({ cert: certPem, key: keyPem, ca: clientCaPem });
          const options = { isServer: true, secureContext, requestCert: true, rejectUnauthorized: true };
          const secure = new TLSSocket(stream as never, options);
          secure.on("error", () => secure.destroy());
          server.emit("connection", secure);
        },
        registerNode({ name, labels, internalIP, version, ready, roles }) {
          nodes.set(name, {
            name,
            labels,
            internalAddress: internalIP,
            version,
            ready,
            roles,
            schedulable: true,
          });
        },
        setNodeReady(name, ready) {
          const node = nodes.get(name);
          if (node) nodes.set(name, { ...node, ready });
        },
        syncTaints() {},
        removeNode: (name) => void nodes.delete(name),
        ensureIngressClass() {},
        ensureHelmController() {},
        ingressHosts: () => ["hello.example.com"],
        dump: () => JSON.stringify([...nodes]),
        load(snapshot) {
          nodes.clear();
          for (const [name, node] of JSON.parse(snapshot)) nodes.set(name, node);
        },
      };
      clusters.set(caPem, cluster);
      return cluster;
    },
    renewCertificateAuthority(oldPem, newPem) {
      const cluster = clusters.get(oldPem);
      if (cluster) clusters.set(newPem, cluster);
    },
  };
}

/** A client that can only list nodes; it verifies the server's certificate and presents its own. */
export function fakeConnect(defaultDialer: Dialer): KubernetesConnect {
  return async (kubeconfig, options) => {
    const { clusters, users } = parse(kubeconfig);
    const { server, "certificate-authority-data": ca } = clusters[0].cluster;
    const { "client-certificate-data": cert, "client-key-data": key } = users[0].user;
    const decode = (text: string) => Buffer.from(text, "base64");
    const { hostname, port } = new URL(server);

    async function nodes(): Promise<readonly KubernetesNode[]> {
      const stream = await (options?.dialer ?? defaultDialer)({ host: hostname, port: Number(port) });
      const socket = tlsConnect({
        socket: stream as never,
        host: hostname,
        ca: decode(ca),
        cert: decode(cert),
        key: decode(key),
      });
      const chunks: Buffer[] = [];
      socket.write("GET /nodes HTTP/1.1\r\nhost: k\r\nconnection: close\r\n\r\n");
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      const [, body = ""] = Buffer.concat(chunks).toString().split("\r\n\r\n");
      return JSON.parse(body.startsWith("[") ? body : (body.split("\r\n")[1] ?? ""));
    }
    const api: Partial<KubernetesApi> = {
      nodes,
      async waitNodesReady(names) {
        const present = await nodes();
        const isReady = (name: string) => present.some((node) => node.name === name && node.ready);
        const missing = names.filter((name) => !isReady(name));
        if (missing.length > 0) throw new Error(`not ready: ${missing.join(", ")}`);
        return present;
      },
      close: async () => {},
    };
    return api as KubernetesApi;
  };
}
