import { readFile } from "node:fs/promises";
import { completeBundle } from "../certificates/bundle.js";
import { imagesOf } from "../images.js";
import { cleanHost } from "./clean-host.js";
import { type ClusterFile, filesOf, readClusterFile } from "./cluster-file.js";
import type { CommandLine } from "./command.js";
import { type Host, tunnelHosts } from "./hosts.js";
import { Fatal, type Log, type ToolCall } from "./run.js";
import { objectOf } from "./s3.js";
import { parseStateFile, readStateFile, statePart, writeToolFile } from "./state-file.js";
import { buildCluster } from "./up.js";

const binds = ["/opt/rke/etcd-snapshots:/backup"];

/** `rke etcd snapshot-save`: on every etcd host that can be reached, and to S3 if there is a bucket. */
export async function saveSnapshot(call: ToolCall, line: CommandLine, log: Log): Promise<void> {
  const name = nameOf(line) ?? `rke_etcd_snapshot_${new Date(call.world.clock.now()).toISOString()}`;
  await log.info("Starting saving snapshot on etcd hosts");
  const paths = filesOf(call.cwd, line.config);
  const file = await readClusterFile(paths.config);
  const state = await readFile(paths.state, "utf8").catch(() => undefined);
  if (state === undefined)
    await log.warn(`Could not read cluster state file from [${paths.state}], file does not exist.`);
  const image = imagesOf(file.version)!.tools;
  const hosts = await tunnelHosts({ ...call, log }, file, file.nodes, true);
  try {
    const etcd = etcdHosts(hosts);
    const archives: string[] = [];
    let failure = "";
    for (const { node, docker } of etcd) {
      call.signal.throwIfAborted();
      await log.info(`[etcd] Running snapshot save once on host [${node.address}]`);
      const environment = { NAME: name, STATE: state ?? "" };
      const { code, logs } = await docker.runJob("etcd-snapshot-once", { image, binds, environment });
      if (code === 0) archives.push(logs);
      else
        failure ||= `Failed to take one-time snapshot on host [${node.address}], exit code [${code}]: ${logs}`;
    }
    if (archives.length === 0)
      throw new Fatal(`[etcd] Failed to take snapshot on all etcd hosts: ${failure}`);
    if (failure)
      await log.warn(`[etcd] Failed to take snapshot on ${etcd.length - archives.length} etcd hosts`);
    else await log.info(`[etcd] Finished saving snapshot [${name}] on all etcd hosts`);
    if (file.s3) await upload(call, file.s3, name, archives[0]!, log);
    await log.info(`Finished saving/uploading snapshot [${name}] on all etcd hosts`);
  } finally {
    for (const host of hosts) host.close();
  }
}

async function upload(
  call: ToolCall,
  target: NonNullable<ClusterFile["s3"]>,
  name: string,
  archive: string,
  log: Log,
): Promise<void> {
  try {
    const { objects, key } = objectOf(call.s3, target, name);
    objects.set(key, archive);
    await call.world.effects.record({ service: "s3", kind: "object", action: "create", name: key });
  } catch (error) {
    await log.warn(`[etcd] failed to upload etcd snapshot file to s3: ${(error as Error).message}`);
    throw new Fatal("[etcd] Failed to upload etcd snapshot file to s3 on all etcd hosts");
  }
}

/** `rke etcd snapshot-restore`: the whole cluster is taken down and built again around the snapshot. */
export async function restoreSnapshot(call: ToolCall, line: CommandLine, log: Log): Promise<void> {
  const name = nameOf(line);
  if (name === undefined) throw new Fatal("you must specify the snapshot name to restore");
  await log.info(`Restoring etcd snapshot ${name}`);
  const paths = filesOf(call.cwd, line.config);
  const file = await readClusterFile(paths.config);
  const image = imagesOf(file.version)!.tools;
  const hosts = await tunnelHosts({ ...call, log }, file, file.nodes, true);
  let archive: string;
  let bundle: Awaited<ReturnType<typeof completeBundle>>;
  try {
    const etcd = etcdHosts(hosts);
    if (etcd.length === 0) throw new Fatal("failed to connect to the etcd hosts");
    archive = await findArchive(call, file, etcd, name, log);
    const { state } = JSON.parse(archive) as { state: string };
    const local = await readStateFile(paths.state);
    const inSnapshot = line.flags.has("use-local-state") || !state ? undefined : state;
    if (inSnapshot === undefined && !local) throw new Fatal(`Unable to find statefile in snapshot [${name}]`);
    const known = inSnapshot === undefined ? local! : parseStateFile(inSnapshot, name);
    bundle = await completeBundle(file, known.desiredState.certificatesBundle);
    const desiredState = statePart(file, bundle);
    await writeToolFile(call, paths.state, JSON.stringify({ desiredState, currentState: {} }, null, 2));
    for (const { docker } of etcd) {
      call.signal.throwIfAborted();
      const environment = { NAME: name, ARCHIVE: archive };
      await docker.runJob("etcd-download-backup", { image, binds, environment });
    }
    await log.info("Cleaning old kubernetes cluster");
    for (const host of hosts) await cleanHost(host, file.version);
    call.signal.throwIfAborted();
    await load(call, file, archive, bundle["kube-ca"]!.certificatePEM, name);
    await log.info(`[etcd] Restored snapshot [${name}] on all etcd hosts`);
  } finally {
    for (const host of hosts) host.close();
  }
  await buildCluster(call, log, { line, paths, file, bundle, currentState: {} });
  await log.info(`Finished restoring snapshot [${name}] on all etcd hosts`);
}

async function findArchive(
  call: ToolCall,
  file: ClusterFile,
  etcd: readonly Host[],
  name: string,
  log: Log,
): Promise<string> {
  if (file.s3) {
    await log.info("[etcd] etcd s3 backup configuration found, will use s3 as source");
    try {
      const { objects, key } = objectOf(call.s3, file.s3, name);
      const found = objects.get(key);
      if (found !== undefined) return found;
      throw new Error("The specified key does not exist.");
    } catch (error) {
      const reason = (error as Error).message;
      await log.warn(
        `failed to download snapshot [${name}] from s3 on host [${etcd[0]!.node.address}]: ${reason}`,
      );
      await log.warn(
        "[etcd] etcd snapshot configuration found and s3 backup configuration failed, falling back to use local as source",
      );
    }
  }
  const image = imagesOf(file.version)!.tools;
  const failures: string[] = [];
  for (const { node, docker } of etcd) {
    const { code, logs } = await docker.runJob("etcd-serve-backup", {
      image,
      binds,
      environment: { NAME: name },
    });
    if (code === 0) return logs;
    await log.warn(`failed to start backup server on host [${node.address}]: ${logs}`);
    failures.push(logs);
  }
  throw new Fatal(`failed to start backup server on all etcd nodes: [${failures.join(" ")}]`);
}

async function load(
  call: ToolCall,
  file: ClusterFile,
  archive: string,
  caPem: string,
  name: string,
): Promise<void> {
  const { etcd } = JSON.parse(archive) as { etcd: string };
  const cluster = call.clusters.forCertificateAuthority(caPem);
  cluster.load(etcd);
  // Nodes of the snapshot that the configuration does not have any more are removed (`RemoveOldNodes`).
  const { objects = [] } = JSON.parse(etcd) as { objects?: { kind: string; metadata: { name: string } }[] };
  for (const { kind, metadata } of objects)
    if (kind === "Node" && !file.nodes.some((node) => node.hostname_override === metadata.name))
      cluster.removeNode(metadata.name);
  await call.world.effects.record({ service: "rke", kind: "snapshot", action: "update", name });
}

function nameOf(line: CommandLine): string | undefined {
  return line.values.get("name")?.at(-1);
}

function etcdHosts(hosts: readonly Host[]): readonly Host[] {
  return hosts.filter(({ node }) => node.role.includes("etcd"));
}
