import { createServer } from "node:http";
import { createSecureContext, TLSSocket } from "node:tls";
import type { VirtualMachine } from "../../world/machines.js";
import { selfSigned } from "../certificates/authority.js";
import type { KubernetesCluster } from "../clusters.js";
import type { ContainerProgram } from "../docker/container.js";
import { sslDirectory } from "./certificates.js";

/**
 * Answers HTTP on 80 and HTTPS on 443: 200 for the host names of the cluster's Ingress objects, 404 for
 * others, as nginx's default backend does. HTTPS presents the controller's own fake certificate.
 */
export const nginxIngressController: ContainerProgram = async ({ clusters, machine }) => {
  const caPem = machine.files.read(`${sslDirectory}/kube-ca.pem`);
  if (caPem === undefined) return { exitCode: 1, logs: "no in-cluster configuration" };
  const cluster = clusters.forCertificateAuthority(caPem);
  cluster.ensureIngressClass("nginx", "k8s.io/ingress-nginx");
  return serveIngress(cluster, machine);
};

/** The ports of an ingress controller on one node. */
export async function serveIngress(
  cluster: Pick<KubernetesCluster, "ingressHosts">,
  machine: VirtualMachine,
): Promise<{ end(): void }> {
  const { certPem, keyPem } = await selfSigned("Kubernetes Ingress Controller Fake Certificate");
  const secureContext = createSecureContext({ cert: certPem, key: keyPem });
  const server = createServer((request, response) => {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
    const isKnown = cluster.ingressHosts().some((pattern) => matches(pattern, host));
    const body = isKnown
      ? `Hello from ${host}, served by ${machine.spec.hostname}\n`
      : "default backend - 404";
    response.writeHead(isKnown ? 200 : 404, {
      "content-type": "text/plain",
      "content-length": Buffer.byteLength(body),
    });
    response.end(body);
  });
  const closePlain = machine.listen(80, (stream) => server.emit("connection", stream));
  const closeSecure = machine.listen(443, (stream) => {
    // The type asks for a socket, but any duplex stream does.
    const secure = new TLSSocket(stream as ConstructorParameters<typeof TLSSocket>[0], {
      isServer: true,
      secureContext,
    });
    secure.on("error", () => secure.destroy());
    server.emit("connection", secure);
  });
  return {
    end() {
      closePlain();
      closeSecure();
      server.closeAllConnections();
    },
  };
}

// A wildcard stands for exactly one label (Kubernetes, Ingress rules).
function matches(pattern: string, host: string): boolean {
  if (!pattern.startsWith("*.")) return pattern === host;
  const dot = host.indexOf(".");
  return dot > 0 && host.slice(dot) === pattern.slice(1);
}
