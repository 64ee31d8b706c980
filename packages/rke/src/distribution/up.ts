import {
  delay,
  type EngineContext,
  type EngineNode,
  type EngineResult,
  MulticloudError,
} from "@multicloud/core/plugin";
import { inOrder } from "../cluster-yml/render.js";
import { type BringParts, bringNode, lackOf, lacks, steadyJoin } from "./bring.js";
import {
  applyNode,
  type ClusterApi,
  forgetNode,
  isOurs,
  listNodes,
  openApi,
  reachableAddress,
  readKubeconfig,
  renameKubeconfig,
  silentApi,
} from "./cluster-api.js";
import { writeRecord } from "./cluster-record.js";
import { type Distribution, pathsOf } from "./distribution.js";
import { defaultTiming, type EtcdTiming, measureRoundTrip, slower, timingFor } from "./etcd-timing.js";
import { type ClusterIdentity, findCluster } from "./identity.js";
import { joinUrl, labelsOf, nodeFiles } from "./node-config.js";
import type { DistributionSettings } from "./options.js";
import { unitOf } from "./service.js";
import { type NodeSurvey, surveyNode } from "./survey.js";
import { refuseUnsupportedChange } from "./versions.js";

/**
 * Makes the cluster have exactly these nodes; changes nothing when it has.
 *
 * Masters take turns, for etcd takes one new member at a time and keeps its majority while one restarts;
 * workers go at once, but those that change their version take turns too.
 */
export async function upDistribution(
  distribution: Distribution,
  settings: DistributionSettings,
  context: EngineContext,
  given: readonly EngineNode[],
): Promise<EngineResult> {
  const run = await beginRun(distribution, settings, context, given);
  try {
    await startMembers(run);
    await openCluster(run);
    await removeDead(run);
    await changeMembers(run);
    await addMasters(run);
    await changeWorkers(run);
    await removeLiving(run);
    await settleNodes(run);
    return await finish(run);
  } finally {
    await run.cluster?.api.close();
  }
}

interface Run {
  readonly parts: BringParts;
  readonly masters: readonly EngineNode[];
  readonly workers: readonly EngineNode[];
  readonly identity: ClusterIdentity;
  /** What there is on each node now. */
  readonly surveys: Map<string, NodeSurvey>;
  cluster: ClusterApi | undefined;
  changed: boolean;
}

async function beginRun(
  distribution: Distribution,
  settings: DistributionSettings,
  context: EngineContext,
  given: readonly EngineNode[],
): Promise<Run> {
  const nodes = inOrder(given);
  const masters = nodes.filter(({ role }) => role === "master");
  const workers = nodes.filter(({ role }) => role === "worker");
  const base = {
    distribution,
    settings,
    context,
    cluster: context.cluster,
    masters,
    hasWorkers: workers.length > 0,
    apiName: context.apiName,
  };
  const surveyed = await Promise.all(
    nodes.map((node) =>
      surveyNode(
        distribution,
        node,
        Object.keys(nodeFiles({ ...base, etcd: defaultTiming }, node)),
        context.signal,
      ),
    ),
  );
  const identity = await findCluster(distribution, context, surveyed);
  if (!settings.upgrade.force) refuseUnsupportedChange(distribution, settings.version, surveyed);
  const etcd = await decideTiming(settings, context, masters, surveyed);
  const { secret, caHash } = identity;
  const run: Run = {
    parts: { ...base, etcd, secret, caHash },
    masters,
    workers,
    identity,
    surveys: new Map(surveyed.map((survey) => [survey.node.name, survey])),
    cluster: undefined,
    changed: false,
  };
  if (caHash !== undefined) return run;
  return beginCluster(run);
}

/** Timing is decided when a master comes, and only ever made slower. */
async function decideTiming(
  settings: DistributionSettings,
  context: EngineContext,
  masters: readonly EngineNode[],
  surveys: readonly NodeSurvey[],
): Promise<EtcdTiming> {
  const known = surveys.flatMap(({ node, mark }) =>
    node.role === "master" && mark?.etcd ? [mark.etcd] : [],
  );
  const before = known.reduce(slower, defaultTiming);
  const isComplete = surveys.every(({ node, isMember }) => node.role === "worker" || isMember);
  if (isComplete && known.length === masters.length) return before;
  const measured = await measureRoundTrip(settings, context, masters);
  return measured === undefined ? before : slower(before, timingFor(measured));
}

/** The first server of a cluster that has never been. Which one it is stays decided, wherever the run is cut off. */
async function beginCluster(run: Run): Promise<Run> {
  const { parts, masters, identity } = run;
  const { distribution, context, secret } = parts;
  const first = masters.find(({ name }) => name === identity.record?.first) ?? masters[0];
  if (!first) throw new MulticloudError("a cluster needs a master", { code: "CONFIG_INVALID" });
  const record = { distribution: distribution.name, token: secret, first: first.name, servers: [] };
  await writeRecord(context.state, record);
  const survey = await bring(run, first, undefined);
  const { caHash } = await surveyNode(distribution, first, [], context.signal);
  if (caHash === undefined) {
    throw new MulticloudError(`${first.name} runs ${distribution.title}, but has no certificate authority`, {
      code: "ENGINE_FAILED",
      site: first.site,
      node: first.name,
      service: distribution.name,
    });
  }
  await writeRecord(context.state, {
    ...record,
    caHash,
    servers: [{ name: first.name, address: first.overlayAddress }],
  });
  return {
    ...run,
    parts: { ...parts, caHash },
    identity: { ...identity, caHash, members: [{ ...survey, caHash }] },
  };
}

/** Brings a node to its state and remembers what is there now. */
async function bring(run: Run, node: EngineNode, join: string | undefined): Promise<NodeSurvey> {
  const before = run.surveys.get(node.name)!;
  const after = await bringNode(run.parts, before, join);
  if (after !== before) run.changed = true;
  run.surveys.set(node.name, after);
  return after;
}

const surveyOf = (run: Run, node: EngineNode) => run.surveys.get(node.name)!;

const isMember = (run: Run, node: EngineNode) =>
  run.identity.members.some((member) => member.node.name === node.name);

/** What a node joins through: what it will name for good if that is a member already, any member otherwise. */
function joinOf(run: Run, node: EngineNode): string | undefined {
  const { distribution } = run.parts;
  const live = run.masters.filter((master) => surveyOf(run, master).isMember && master.name !== node.name);
  return live[0] ? joinUrl(distribution, live[0].overlayAddress) : run.identity.outsider;
}

/** Masters that do not run are needed for a majority, so they start together. */
async function startMembers(run: Run): Promise<void> {
  const stopped = run.masters.filter((node) => isMember(run, node) && surveyOf(run, node).unit !== "active");
  await Promise.all(stopped.map((node) => bring(run, node, steadyJoin(run.parts, node))));
}

/** Opens the API of the cluster that is there. */
async function openCluster(run: Run): Promise<void> {
  const { parts, identity } = run;
  const { distribution, settings, context } = parts;
  const members = run.masters.filter((node) => isMember(run, node));
  // The cluster may live on masters that are to leave.
  const leaving = members.length === 0 ? ((await context.leaving?.()) ?? []) : [];
  const others = leaving.filter(({ role }) => role === "master");
  if (members.length === 0 && others.length === 0) return;
  for (let attempt = 1; attempt <= settings.attempts; attempt += 1) {
    run.cluster = await openApi(distribution, context, [...members, ...others]);
    if (run.cluster) return;
    if (attempt < settings.attempts) await delay(settings.retryDelayMs, context.signal);
  }
  if (members.length > 0 || identity.outsider === undefined) throw silentApi(distribution, members);
}

/**
 * Nodes that are gone for good: those of machines that were replaced under the same name, and those that
 * nobody wants and that do not answer. A server among them counts against etcd's majority until it is out.
 */
async function removeDead(run: Run): Promise<void> {
  const { cluster, parts, masters, workers } = run;
  if (!cluster) return;
  const { distribution, context } = parts;
  const nodes = await listNodes(cluster.api, context.signal);
  const wanted = [...masters, ...workers];
  for (const node of nodes.values()) {
    if (!isOurs(context.cluster, node) || node.ready) continue;
    if (wanted.some(({ name }) => name === node.name)) continue;
    await takeOut(run, node.name);
  }
  for (const node of wanted) {
    const { hasRegistered, isMember } = surveyOf(run, node);
    if (hasRegistered || isMember) continue;
    // Its machine is new: what the cluster knows by this name is another's.
    if (nodes.has(node.name)) await forget(run, node.name);
    else await forgetNode(distribution, cluster, node.name, context.signal);
  }
}

async function forget(run: Run, name: string): Promise<void> {
  const { distribution, settings, context } = run.parts;
  const { cluster } = run;
  if (!cluster) return;
  context.report({ type: "log", level: "info", message: `taking ${name} out of the cluster`, node: name });
  await forgetNode(distribution, cluster, name, context.signal);
  run.changed = true;
  // A server is in etcd until its Node object is gone, not only marked.
  for (let attempt = 0; attempt < settings.attempts; attempt += 1) {
    const left = await cluster.api.get({ apiVersion: "v1", kind: "Node", name }, { signal: context.signal });
    if (!left) return;
    await delay(settings.retryDelayMs, context.signal);
  }
  throw new MulticloudError(`${name} does not leave the cluster: its Node object stays`, {
    code: "ENGINE_FAILED",
    node: name,
    service: distribution.name,
    hint: `kubectl describe node ${name} tells which finalizer holds it; do a majority of the masters run?`,
  });
}

/** Masters that are in, one after the other: each is Ready again before the next is touched. */
async function changeMembers(run: Run): Promise<void> {
  for (const node of run.masters) {
    if (!isMember(run, node)) continue;
    const join = steadyJoin(run.parts, node);
    const lack = lackOf(run.parts, surveyOf(run, node), join);
    if (!lacks(lack)) continue;
    // Who is to be named may still be on its way; the rest is done now, this at the end.
    await bring(run, node, lack.restart ? (joinOf(run, node) ?? join) : join);
    if (lack.restart) await waitReady(run, node);
  }
}

/** Masters that are still to come, one after the other. */
async function addMasters(run: Run): Promise<void> {
  for (const node of run.masters) {
    if (isMember(run, node)) continue;
    await bring(run, node, joinOf(run, node));
    if (!run.cluster) {
      const { distribution, context } = run.parts;
      run.cluster = await openApi(distribution, context, [node], 60_000);
      if (!run.cluster) throw silentApi(distribution, [node]);
      await removeDead(run);
    }
    await waitReady(run, node);
  }
}

async function waitReady(run: Run, ...nodes: readonly EngineNode[]): Promise<void> {
  const { cluster, parts } = run;
  const { settings, context, distribution } = parts;
  if (!cluster || nodes.length === 0) return;
  const names = nodes.map(({ name }) => name);
  try {
    await cluster.api.waitNodesReady(names, {
      signal: context.signal,
      timeoutMs: settings.readyTimeoutMs,
      onProgress: (message) => context.report({ type: "log", level: "info", message }),
    });
  } catch (error) {
    context.signal.throwIfAborted();
    const present = await listNodes(cluster.api, context.signal).catch(() => undefined);
    const missing = nodes.find(({ name }) => present?.get(name)?.ready !== true);
    if (!missing || !present) throw error;
    const state = present.has(missing.name) ? "is in the cluster but not Ready" : "is not in the cluster";
    throw new MulticloudError(`${missing.name} runs ${distribution.title} and ${state}`, {
      code: "ENGINE_NODE_DROPPED",
      site: missing.site,
      node: missing.name,
      service: distribution.name,
      hint: `there, journalctl -u ${unitOf(distribution, missing)} tells why`,
      cause: error,
    });
  }
}

async function changeWorkers(run: Run): Promise<void> {
  const { parts, workers, cluster } = run;
  const { settings, context } = parts;
  const join = (node: EngineNode) => steadyJoin(parts, node);
  const lacking = workers.filter((node) => lacks(lackOf(parts, surveyOf(run, node), join(node))));
  const upgrading = lacking.filter((node) => {
    const { version, hasRegistered } = surveyOf(run, node);
    return hasRegistered && version !== undefined && version !== settings.version;
  });
  const queue = lacking.filter((node) => !upgrading.includes(node));
  const lanes = Array.from({ length: Math.min(settings.concurrency, queue.length) }, async () => {
    for (let node = queue.shift(); node; node = queue.shift()) await bring(run, node, join(node));
  });
  const results = await Promise.allSettled(lanes);
  context.signal.throwIfAborted();
  for (const result of results) if (result.status === "rejected") throw result.reason;
  if (!cluster) return;
  for (const node of upgrading) await upgradeWorker(run, cluster, node);
}

async function upgradeWorker(run: Run, cluster: ClusterApi, node: EngineNode): Promise<void> {
  const { settings, context } = run.parts;
  const { signal } = context;
  const present = (await listNodes(cluster.api, signal)).get(node.name);
  const labels = labelsOf(context.cluster, node);
  // A node that somebody else cordoned stays cordoned.
  if (settings.upgrade.drain && present && (present.schedulable || present.drained)) {
    await applyNode(cluster, node.name, labels, true, signal);
    try {
      await cluster.api.drain(node.name, { signal, timeoutMs: settings.upgrade.drainTimeoutMs });
    } catch (error) {
      signal.throwIfAborted();
      const message = error instanceof Error ? error.message : String(error);
      context.report({
        type: "log",
        level: "warn",
        node: node.name,
        message: `${node.name} is upgraded with pods on it that would not go: ${message}`,
      });
    }
  }
  await bring(run, node, steadyJoin(run.parts, node));
  await waitReady(run, node);
  await allowPods(run, cluster, node);
}

/** Gives pods back to a node that was cordoned for an upgrade, by this run or by one that was cut off. */
async function allowPods(run: Run, cluster: ClusterApi, node: EngineNode): Promise<void> {
  const { context } = run.parts;
  const present = (await listNodes(cluster.api, context.signal)).get(node.name);
  if (!present?.drained) return;
  await applyNode(cluster, node.name, labelsOf(context.cluster, node), false, context.signal);
  run.changed = true;
}

/** Nodes that nobody wants any more and that live, one after the other, masters last: etcd shrinks when all else is done. */
async function removeLiving(run: Run): Promise<void> {
  const { cluster, parts } = run;
  if (!cluster) return;
  const { distribution, settings, context } = parts;
  const { signal } = context;
  const wanted = new Set([...run.masters, ...run.workers].map(({ name }) => name));
  const nodes = await listNodes(cluster.api, signal);
  const going = [...nodes.values()].filter((node) => isOurs(context.cluster, node) && !wanted.has(node.name));
  if (going.length === 0) return;
  const isServer = (name: string) => nodes.get(name)?.labels["node-role.kubernetes.io/etcd"] !== undefined;
  // The one that was asked until now may be among them.
  const staying = await openApi(distribution, context, run.masters, 60_000);
  if (staying) {
    run.cluster = staying;
    await cluster.api.close();
  }
  for (const { name } of going.sort((a, b) => Number(isServer(a.name)) - Number(isServer(b.name)))) {
    await run.cluster!.api.drain(name, { signal, timeoutMs: settings.upgrade.drainTimeoutMs });
    await takeOut(run, name);
  }
}

/** Takes a node out of the cluster and stops what runs on its machine, if that can be reached. */
async function takeOut(run: Run, name: string): Promise<void> {
  const { distribution, context } = run.parts;
  const leaving = (await context.leaving?.()) ?? [];
  const node = leaving.find((one) => one.name === name);
  const options = { sudo: true, signal: context.signal } as const;
  // Without its token a server that etcd has let go cannot come back, or begin a cluster of its own when
  // systemd starts it again (k3s-io/k3s#13623).
  await node?.host.exec(`rm -f ${pathsOf(distribution).token}`, options);
  await forget(run, name);
  if (node) await node.host.exec(`systemctl disable --now ${unitOf(distribution, node)}`, options);
}

/** Every node is Ready, with its labels, and takes pods unless somebody else decided otherwise. */
async function settleNodes(run: Run): Promise<void> {
  const { cluster, parts } = run;
  if (!cluster) return;
  const { context } = parts;
  const wanted = [...run.masters, ...run.workers];
  await waitReady(run, ...wanted);
  const nodes = await listNodes(cluster.api, context.signal);
  for (const node of wanted) {
    const present = nodes.get(node.name);
    if (!present) continue;
    if (present.drained) await allowPods(run, cluster, node);
    const labels = labelsOf(context.cluster, node);
    if (Object.entries(labels).every(([key, value]) => present.labels[key] === value)) continue;
    await applyNode(cluster, node.name, labels, undefined, context.signal);
    run.changed = true;
  }
}

/** Writes down what can be written only when all masters are known, and gives the kubeconfig. */
async function finish(run: Run): Promise<EngineResult> {
  const { parts, masters, identity } = run;
  const { distribution, context, secret, caHash } = parts;
  // No restart comes of this: who to join is read by a server without data only.
  for (const node of masters) await bring(run, node, steadyJoin(parts, node));
  await writeRecord(context.state, {
    distribution: distribution.name,
    token: secret,
    ...(identity.record?.first === undefined ? {} : { first: identity.record.first }),
    ...(caHash === undefined ? {} : { caHash }),
    servers: masters.map(({ name, overlayAddress }) => ({ name, address: overlayAddress })),
  });
  for (const node of masters) {
    const kubeconfig = await readKubeconfig(distribution, node, context.signal);
    if (kubeconfig === undefined) continue;
    // The name is made of the masters' public addresses; without any it leads nowhere.
    const hasPublic = masters.some(({ publicAddress }) => publicAddress !== undefined);
    const server = (hasPublic ? context.apiName : undefined) ?? reachableAddress(node);
    return {
      kubeconfig: renameKubeconfig(kubeconfig, context.cluster, server),
      changed: run.changed,
    };
  }
  throw new MulticloudError("no master has a kubeconfig", {
    code: "ENGINE_FAILED",
    service: distribution.name,
  });
}
