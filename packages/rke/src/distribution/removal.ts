import { delay, MulticloudError } from "@multicloud/core/plugin";
import { forgetNode, isOurs, listNodes, openApi } from "./cluster-api.js";
import { pathsOf } from "./distribution.js";
import { type EngineRun, surveyOf } from "./engine-run.js";
import { unitOf } from "./service.js";

/**
 * Nodes that are gone for good: those of machines that were replaced under the same name, and those that
 * nobody wants and that do not answer. A server among them counts against etcd's majority until it is out.
 */
export async function removeDead(run: EngineRun): Promise<void> {
  const { cluster, parts, masters, workers } = run;
  if (!cluster) return;
  const { distribution, context } = parts;
  const nodes = await listNodes(cluster.api, context.signal);
  const wanted = [...masters, ...workers];
  for (const node of nodes.values()) {
    if (!isOurs(context.cluster, node) || node.ready) continue;
    if (wanted.some(({ name }) => name === node.name)) continue;
    await takeOut(run, node.name, false);
  }
  for (const node of wanted) {
    const { hasRegistered, isMember } = surveyOf(run, node);
    if (hasRegistered || isMember) continue;
    // Its machine is new: what the cluster knows by this name is another's.
    if (nodes.has(node.name)) await forget(run, node.name);
    else await forgetNode(distribution, cluster, node.name, context.signal);
  }
}

async function forget(run: EngineRun, name: string): Promise<void> {
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

/** Nodes that nobody wants any more and that live, one after the other, masters last: etcd shrinks when all else is done. */
export async function removeLiving(run: EngineRun): Promise<void> {
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
    await takeOut(run, name, true);
  }
}

/** Takes a node out of the cluster and stops what runs on its machine, if that can be reached. */
async function takeOut(run: EngineRun, name: string, lives: boolean): Promise<void> {
  const { distribution, context } = run.parts;
  const leaving = (await context.leaving?.()) ?? [];
  const node = leaving.find((one) => one.name === name);
  const options = { sudo: true, signal: context.signal } as const;
  if (!node && lives) {
    context.report({
      type: "log",
      level: "warn",
      node: name,
      message: `the machine of ${name} does not answer over SSH, so nothing is stopped there: delete it soon, for its server may start anew by itself`,
    });
  }
  // Without its token a server that etcd has let go cannot come back, or begin a cluster of its own when
  // systemd starts it again (k3s-io/k3s#13623).
  await node?.host.exec(`rm -f ${pathsOf(distribution).token}`, options);
  await forget(run, name);
  if (node) await node.host.exec(`systemctl disable --now ${unitOf(distribution, node)}`, options);
}
