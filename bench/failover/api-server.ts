import { execFile, fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connect, type KubernetesApi, parseKubeconfig } from "@multicloud/kubernetes";
import { createPki, kubeconfigOf } from "../../packages/kubernetes/test/fixture.js";
import { createKubernetesCluster } from "../../packages/testing/src/kubernetes/kubernetes-cluster.js";
import { fakeWorld } from "../../packages/testing/test/fake-world.js";
import { apiAddress, forward } from "./network.js";

/** The API server of the run. */
export interface ApiServer {
  readonly name: string;
  readonly api: KubernetesApi;
  readonly caPem: string;
  /** A token of the agents' service account. */
  token(namespace: string, account: string): Promise<string>;
  close(): Promise<void>;
}

const port = 6443;

/** The real one that with-network.sh found, otherwise the emulated one in a process of its own; at {@link apiAddress}. */
export async function startApiServer(): Promise<ApiServer> {
  const file = process.env.MULTICLOUD_KUBERNETES_KUBECONFIG;
  return file ? real(file) : emulated();
}

async function real(file: string): Promise<ApiServer> {
  const kubeconfig = await readFile(file, "utf8");
  const server = await forward(apiAddress, port, port);
  const api = await connect(kubeconfig);
  const ca = parseKubeconfig(kubeconfig).clusters[0]?.cluster["certificate-authority-data"];
  const kubectl = process.env.MULTICLOUD_KUBERNETES_KUBECTL ?? "kubectl";
  const { stdout } = await promisify(execFile)(kubectl, ["--kubeconfig", file, "get", "--raw", "/version"]);
  const { gitVersion } = JSON.parse(stdout) as { gitVersion: string };
  return {
    name: `the real kube-apiserver ${gitVersion} with etcd`,
    api,
    caPem: Buffer.from(String(ca), "base64").toString(),
    async token(namespace, account) {
      const args = ["--kubeconfig", file, "-n", namespace, "create", "token", account, "--duration", "8h"];
      return (await promisify(execFile)(kubectl, args)).stdout.trim();
    },
    async close() {
      await api.close();
      server.close();
    },
  };
}

async function emulated(): Promise<ApiServer> {
  const child = fork(fileURLToPath(import.meta.url), ["serve"], { execArgv: process.execArgv });
  const { kubeconfig, caPem } = await new Promise<{ kubeconfig: string; caPem: string }>(
    (resolve, reject) => {
      child.once("message", (message) => resolve(message as { kubeconfig: string; caPem: string }));
      child.once("exit", (code) => reject(new Error(`the emulated API server ended with ${code}`)));
    },
  );
  const api = await connect(kubeconfig);
  return {
    name: "the emulated API server of @multicloud/testing",
    api,
    caPem,
    token: async (namespace, account) => tokenOf(namespace, account),
    async close() {
      await api.close();
      child.kill();
    },
  };
}

const tokenOf = (namespace: string, account: string) => `token-${namespace}-${account}`;

/** In the child process. */
async function serve(): Promise<void> {
  const pki = await createPki();
  const { issue } = await import("../../packages/testing/src/rke/certificates/authority.js");
  const serving = await issue(pki.ca, { commonName: "kube-apiserver", names: [apiAddress] });
  const namespaces = ["node", "leader", "site", "api"].map((name) => `failover-${name}`);
  const cluster = createKubernetesCluster(fakeWorld(), {
    tokens: Object.fromEntries(
      namespaces.map((namespace) => [
        tokenOf(namespace, "entrypoint-agent"),
        { name: `system:serviceaccount:${namespace}:entrypoint-agent`, groups: ["system:serviceaccounts"] },
      ]),
    ),
  });
  createServer((socket) => {
    cluster.accept(socket, { certPem: serving.certPem, keyPem: serving.keyPem, clientCaPem: pki.ca.certPem });
  }).listen(port, apiAddress, () => {
    process.send?.({
      kubeconfig: kubeconfigOf(pki, pki.admin, `https://${apiAddress}:${port}`),
      caPem: pki.ca.certPem,
    });
  });
}

if (process.argv[2] === "serve") await serve();
