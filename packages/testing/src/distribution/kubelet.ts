import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { heartbeat } from "../kubernetes/heartbeat.js";
import { serveIngress } from "../rke/containers/nginx-ingress-controller.js";
import type { VirtualMachine } from "../world/machines.js";
import type { World } from "../world/world.js";
import type { ConfigFile } from "./config-file.js";
import { type DistributionCluster, hashOf } from "./distribution-cluster.js";
import { ingressClasses } from "./ingress.js";
import { StartFailure } from "./start-failure.js";

/** What a server or an agent runs for its node. */
export interface NodeStart {
  readonly world: World;
  readonly cluster: DistributionCluster;
  readonly machine: VirtualMachine;
  readonly config: ConfigFile;
  readonly isServer: boolean;
  /** Version of the program, for example `v1.35.6+k3s1`. */
  readonly version: string;
}

const passwordFile = "/etc/rancher/node/password";

/** Labels of the reserved domains that a kubelet may give its own node (kubelet, `--node-labels`). */
const ownLabels = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/arch",
  "kubernetes.io/os",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "node.kubernetes.io/instance-type",
  "beta.kubernetes.io/instance-type",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
]);

/** Registers the machine as a node and serves what runs on every node. Returns what ends it. */
export async function startKubelet(start: NodeStart): Promise<() => void> {
  const { world, cluster, machine, config, isServer, version } = start;
  const { name: flavour } = cluster.flavour;
  const name = nodeNameOf(machine, config);
  const labels = labelsOf(config, isServer);
  const [internalIP = machine.addresses()[0] ?? ""] = config.list("node-ip");
  if (!machine.addresses().includes(internalIP))
    throw new StartFailure(`node IP: "${internalIP}" not found in the host's network interfaces`);
  const [externalIP] = config.list("node-external-ip");
  const iface = config.text("flannel-iface");
  const interfaces = machine.interfaceNames?.() ?? [];
  if (iface !== undefined && !interfaces.includes(iface))
    throw new StartFailure(`unable to find interface ${iface}: route ip+net: no such network interface`);
  await checkPassword(start, name);

  const taints = config.list("node-taint").map((taint) => {
    const match = /^([^=:]+)=?([^:]*):(\w+)$/.exec(taint);
    if (!match) throw new StartFailure(`invalid taint spec: ${taint}`);
    return { key: match[1] ?? "", value: match[2] ?? "", effect: match[3] ?? "" };
  });
  const isNew = cluster.kubernetes.object("v1", "Node", name) === undefined;
  const hasNetwork = cluster.cniInterface === undefined || interfaces.includes(cluster.cniInterface);
  machine.attachments.set(`${flavour} node`, name);
  cluster.kubernetes.registerNode({
    name,
    labels,
    internalIP,
    ...(externalIP === undefined ? {} : { externalIP }),
    version,
    ready: hasNetwork,
    roles: [],
    taints,
    containerRuntime: `containerd://2.1.4-${flavour}1`,
  });
  if (isNew) await world.effects.record({ service: flavour, kind: "node", action: "create", name });

  const closers = [quietPort(machine, 10250)];
  // The ingress controller and the service load balancer run where pods may be.
  if (!taints.some(({ effect }) => effect !== "PreferNoSchedule")) {
    cluster.kubernetes.ensureHelmController();
    if (cluster.ingress !== "none") {
      const [className, controller] = ingressClasses[cluster.ingress];
      cluster.kubernetes.ensureIngressClass(className, controller);
      const ingress = await serveIngress(cluster.kubernetes, machine);
      closers.push(() => ingress.end());
    }
  }
  const beat = heartbeat(world, machine, (ready) =>
    cluster.kubernetes.setNodeReady(name, ready && hasNetwork),
  );
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    machine.attachments.delete(`${flavour} node`);
    for (const close of closers) close();
    beat.stop(() => machine.attachments.get(`${flavour} node`) === name);
  };
}

export function nodeNameOf(machine: VirtualMachine, config: ConfigFile): string {
  return (config.text("node-name") ?? machine.spec.hostname).toLowerCase();
}

/** A name belongs to whoever registered it first, by a password that only that machine has. */
async function checkPassword({ cluster, machine }: NodeStart, node: string): Promise<void> {
  const known = machine.files.read(passwordFile);
  const password = known ?? randomBytes(16).toString("hex");
  if (known === undefined) machine.files.write(passwordFile, password, { mode: 0o600, owner: "root:root" });
  const name = `${node}.node-password.${cluster.flavour.name}`;
  const secret = cluster.kubernetes.object("v1", "Secret", name, "kube-system");
  const hash = Buffer.from(hashOf(password)).toString("base64");
  if (!secret) {
    cluster.kubernetes.seed({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: "kube-system" },
      type: "Opaque",
      immutable: true,
      data: { hash },
    });
    return;
  }
  if ((secret.data as { hash?: string } | undefined)?.hash !== hash)
    throw new StartFailure(
      `Node password rejected, duplicate hostname or contents of '${passwordFile}' may not match server node-passwd entry, try enabling a unique node name with the --with-node-id flag`,
    );
}

function labelsOf(config: ConfigFile, isServer: boolean): Record<string, string> {
  const labels: Record<string, string> = isServer
    ? { "node-role.kubernetes.io/control-plane": "true", "node-role.kubernetes.io/etcd": "true" }
    : {};
  const refused: string[] = [];
  for (const label of config.list("node-label")) {
    const [key = "", value = ""] = label.split("=");
    const domain = key.split("/").at(-2) ?? "";
    const isReserved = /(^|\.)(kubernetes|k8s)\.io$/.test(domain);
    if (isReserved && !ownLabels.has(key) && !/(^|\.)(kubelet|node)\.kubernetes\.io$/.test(domain))
      refused.push(key);
    labels[key] = value;
  }
  if (refused.length > 0)
    throw new StartFailure(
      `failed to validate kubelet flags: unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [${refused.join(" ")}]`,
    );
  return labels;
}

/** Accepts connections on a port and says nothing. */
export function quietPort(machine: VirtualMachine, port: number): () => void {
  const open = new Set<Duplex>();
  const close = machine.listen(port, (stream) => {
    open.add(stream);
    stream.on("error", () => {});
    stream.on("close", () => open.delete(stream));
    stream.on("end", () => stream.end());
    stream.resume();
  });
  return () => {
    close();
    for (const stream of open) stream.destroy();
  };
}
