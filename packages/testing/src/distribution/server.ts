import { randomBytes } from "node:crypto";
import { parseAllDocuments } from "yaml";
import { issue } from "../rke/certificates/authority.js";
import type { VirtualMachine } from "../world/machines.js";
import type { World } from "../world/world.js";
import type { ConfigFile } from "./config-file.js";
import {
  criticalValues,
  type DistributionCluster,
  type DistributionClusters,
  hashOf,
  hasQuorum,
  kubeconfigOf,
} from "./distribution-cluster.js";
import type { Flavour } from "./flavour.js";
import { joinedCluster, serverKey } from "./join.js";
import { nodeNameOf, quietPort, startKubelet } from "./kubelet.js";
import { checkProfile } from "./profile.js";
import { serveApi } from "./serve-api.js";
import { StartFailure } from "./start-failure.js";
import { checkToken, readToken } from "./token.js";

/** What starting a server or an agent needs. */
export interface Start {
  readonly world: World;
  readonly flavour: Flavour;
  readonly clusters: DistributionClusters;
  readonly machine: VirtualMachine;
  readonly config: ConfigFile;
  /** Version of the installed program. */
  readonly version: string;
  /** Called when the program ends by itself. */
  exited(): void;
}

/**
 * A server: an etcd member, the API and a kubelet. It goes on with the data that it has, joins the cluster
 * behind `server`, or makes a new one. Returns what stops it; throws {@link StartFailure}.
 */
export async function startServer(start: Start): Promise<() => void> {
  const { world, flavour, machine, config } = start;
  const { files } = machine;
  const data = `${flavour.dataDirectory}/server`;
  checkProfile(start, true);
  const nodeName = nodeNameOf(machine, config);
  const address = config.list("node-ip")[0] ?? machine.addresses()[0] ?? "";
  if (!machine.addresses().includes(address))
    throw new StartFailure(`listen tcp ${address}:2380: bind: cannot assign requested address`);
  if (files.exists(`${data}/db/etcd/tombstone`)) files.remove(`${data}/db/etcd`);

  const hasData = files.exists(`${data}/db/etcd/member`);
  const cluster = hasData ? resume(start, data) : await enter(start, nodeName, address, data);
  await writeFiles(start, cluster, data);

  const closers: (() => void)[] = [quietPort(machine, 2379), quietPort(machine, 2380)];
  let stopped = false;
  const stop = () => {
    if (stopped) return;
    stopped = true;
    machine.attachments.delete(serverKey(flavour));
    for (const close of closers) close();
  };
  try {
    // Whoever has lost its membership ends, leaves a note for its next start, and is started again.
    closers.push(
      cluster.kubernetes.onNodeDeleted((name) => {
        if (name !== nodeName) return;
        files.write(`${data}/db/etcd/tombstone`, "");
        stop();
        start.exited();
      }),
    );
    machine.attachments.set(serverKey(flavour), cluster);
    const names = [address, config.text("advertise-address") ?? address, nodeName, ...config.list("tls-san")];
    const serving = await issue(cluster.serverCa, {
      commonName: flavour.name,
      names: [
        ...new Set([
          ...names,
          "127.0.0.1",
          "localhost",
          "kubernetes",
          "kubernetes.default",
          "kubernetes.default.svc",
          "kubernetes.default.svc.cluster.local",
          "10.43.0.1",
        ]),
      ],
    });
    closers.push(serveApi(world, cluster, machine, serving));
    if (flavour.supervisorPort !== 6443) closers.push(quietPort(machine, flavour.supervisorPort));
    deployManifests(start, cluster, `${data}/manifests`);
    closers.push(await startKubelet({ ...start, cluster, isServer: true }));
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}

/** Goes on with the data on the disk; `server` and `cluster-init` are not looked at. */
function resume({ clusters, machine, config }: Start, data: string): DistributionCluster {
  const ca = machine.files.read(`${data}/tls/server-ca.crt`) ?? "";
  const cluster = clusters.find(hashOf(ca));
  if (!cluster) throw new StartFailure("failed to load the bootstrap data: certificate not found");
  const memberName = machine.files.read(`${data}/db/etcd/name`);
  const isMember = [...cluster.members.values()].some((member) => member.memberName === memberName);
  if (!isMember)
    throw new StartFailure(
      "the member has been permanently removed from the cluster; this server is a not a member of the etcd cluster",
    );
  const token = readToken(machine, config);
  if (token && token.secret !== cluster.secret)
    throw new StartFailure("bootstrap data already found and encrypted with different token");
  return cluster;
}

/** A server without data joins, or begins. */
async function enter(
  start: Start,
  nodeName: string,
  address: string,
  data: string,
): Promise<DistributionCluster> {
  const { world, flavour, clusters, machine, config } = start;
  const { files } = machine;
  const token = readToken(machine, config);
  const url = config.text("server");
  const nameFile = `${data}/db/etcd/name`;
  const memberName = files.read(nameFile) ?? `${nodeName}-${randomBytes(4).toString("hex")}`;
  if (url === undefined) {
    if (flavour.name === "k3s" && !config.flag("cluster-init"))
      throw new StartFailure("the sandbox has no SQLite datastore: start with cluster-init");
    if (token?.caHash !== undefined)
      throw new StartFailure("token in full form, but there are no certificates that it could be for");
    const cluster = await clusters.create(flavour, start.version, token?.secret ?? "", config);
    await world.clock.sleep(world.timing.engineStepMs);
    cluster.members.set(nodeName, { memberName, address });
    keepMember(start, cluster, nameFile, memberName, data);
    await world.effects.record({ service: flavour.name, kind: "cluster", action: "create", name: nodeName });
    return cluster;
  }
  const cluster = await joinedCluster(world, flavour, machine, [url]);
  checkToken(token, cluster);
  for (const [key, value] of criticalValues(config)) {
    if (cluster.critical.get(key) !== value)
      throw new StartFailure(`critical configuration value mismatch between servers: ${key}`);
  }
  const present = cluster.members.get(nodeName);
  if (present && (present.memberName !== memberName || present.address !== address)) {
    files.remove(nameFile);
    throw new StartFailure(
      "ETCD join failed: duplicate node name found, please use a unique name for this node",
    );
  }
  if (cluster.learner)
    throw new StartFailure("ETCD join failed: etcdserver: too many learner members in cluster");
  if (!(await hasQuorum(world, cluster, machine)))
    throw new StartFailure("ETCD join failed: context deadline exceeded");
  cluster.learner = true;
  try {
    await world.clock.sleep(world.timing.engineStepMs);
    cluster.members.set(nodeName, { memberName, address });
  } finally {
    cluster.learner = false;
  }
  keepMember(start, cluster, nameFile, memberName, data);
  await world.effects.record({
    service: flavour.name,
    kind: "etcd-member",
    action: "create",
    name: nodeName,
  });
  return cluster;
}

function keepMember(
  { machine }: Start,
  cluster: DistributionCluster,
  nameFile: string,
  memberName: string,
  data: string,
): void {
  machine.files.write(nameFile, memberName, { mode: 0o600 });
  machine.files.write(`${data}/db/etcd/member/wal/0000000000000000-0000000000000000.wal`, "", {
    mode: 0o600,
  });
  machine.files.write(`${data}/tls/server-ca.crt`, cluster.serverCa.certPem);
}

async function writeFiles(
  { machine, flavour, config }: Start,
  cluster: DistributionCluster,
  data: string,
): Promise<void> {
  const { files } = machine;
  const full = `K10${cluster.caHash}::server:${cluster.secret}\n`;
  files.write(`${data}/token`, full, { mode: 0o600 });
  files.write(`${data}/node-token`, full, { mode: 0o600 });
  files.write(`${flavour.dataDirectory}/agent/server-ca.crt`, cluster.serverCa.certPem);
  if (files.exists(flavour.kubeconfigFile)) return;
  const mode = Number.parseInt(config.text("write-kubeconfig-mode") ?? "600", 8);
  files.write(flavour.kubeconfigFile, await kubeconfigOf(cluster), { mode, owner: "root:root" });
}

/** What lies in the manifests directory is applied; only what the sandbox acts upon is looked at. */
function deployManifests({ machine, flavour }: Start, cluster: DistributionCluster, folder: string): void {
  for (const { path, content = "" } of machine.files.list()) {
    if (!path.startsWith(`${folder}/`) || !/\.ya?ml$/.test(path)) continue;
    for (const document of parseAllDocuments(content)) {
      const object = document.toJS() as
        | { kind?: string; metadata?: { name?: string }; spec?: { valuesContent?: string } }
        | undefined;
      if (flavour.name !== "rke2" || object?.kind !== "HelmChartConfig") continue;
      if (object.metadata?.name !== "rke2-canal") continue;
      const iface = /^\s*iface:\s*"?([\w-]+)"?\s*$/m.exec(object.spec?.valuesContent ?? "")?.[1];
      // A CNI keeps what it was first given.
      cluster.cniInterface ??= iface;
    }
  }
}
