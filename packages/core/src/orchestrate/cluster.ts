import type { EngineNode } from "../contracts/engine.js";
import type { KubernetesApi, KubernetesNode } from "../contracts/kubernetes.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { writeKnownHosts } from "../hosts/known-hosts.js";
import type { ReadyNode } from "./node-pipeline.js";
import { type Session, withDeadline } from "./session.js";

/** A cluster whose nodes are all Ready. */
export interface FormedCluster {
  readonly kubeconfig: string;
  readonly kubernetes: KubernetesApi;
  readonly nodes: readonly KubernetesNode[];
  /** Id of the engine's step. */
  readonly step: string;
}

/** Lets the engine make one cluster of the nodes, and counts them afterwards. */
export async function formCluster(
  session: Session,
  nodes: readonly ReadyNode[],
  leaving?: () => Promise<readonly EngineNode[]>,
): Promise<FormedCluster> {
  const { config, state, steps, timing, signal } = session;
  await writeKnownHosts(session, nodes);
  const after = nodes.map(({ lastStep }) => lastStep);
  return steps.run(
    { kind: "engine", title: `${config.engine.name}: one cluster of ${nodes.length} nodes`, after },
    (step) =>
      withDeadline(signal, timing.engineMs, "the engine's run", async (own) => {
        const context = { ...session.engineContext(own), ...(leaving ? { leaving } : {}) };
        const result = await config.engine.up(context, nodes);
        const kept = await state.read("kubeconfig");
        if (kept === undefined || Buffer.from(kept).toString("utf8") !== result.kubeconfig) {
          await state.write("kubeconfig", result.kubeconfig);
        }
        const kubernetes = await context.kubernetes(result.kubeconfig);
        const names = nodes.map(({ name }) => name);
        const found = await kubernetes
          .waitNodesReady(names, { signal: own, onProgress: (message) => step.progress(message) })
          .catch(async (error) => {
            await kubernetes.close();
            throw error;
          });
        const missing = names.filter((name) => !found.some((node) => node.name === name && node.ready));
        if (missing.length > 0) {
          throw new MulticloudError(`the engine finished, but the cluster lacks ${missing.join(", ")}`, {
            code: "ENGINE_NODE_DROPPED",
            service: config.engine.name,
            hint: "run up() again; the engine's log names the reason",
          });
        }
        step.result(result.changed ? `${found.length} nodes Ready` : "nothing to change");
        return { kubeconfig: result.kubeconfig, kubernetes, nodes: found, step: step.id };
      }),
  );
}

/** Drains nodes that are about to leave, when there is a cluster to leave. */
export async function leaveCluster(session: Session, names: readonly string[]): Promise<void> {
  const kubeconfig = await session.state.read("kubeconfig");
  if (kubeconfig === undefined || names.length === 0) return;
  const kubernetes = await session.engineContext().kubernetes(Buffer.from(kubeconfig).toString("utf8"));
  try {
    // One after the other: draining all at once would leave evicted pods nowhere to go.
    for (const name of names) {
      await session.steps.run({ kind: "drain", node: name, title: "draining" }, async (step) => {
        // Noted first: should this run be cut off and the node stay after all, it has to take pods again.
        await session.records.write(name, { ...(await session.records.read(name)), drained: true });
        await kubernetes.drain(name, {
          signal: session.signal,
          onProgress: (message) => step.progress(message),
        });
      });
    }
  } finally {
    await kubernetes.close();
  }
}

/** The kubeconfig of a cluster whose masters all stand behind jump hosts is of use only inside their site. */
export function warnOfPrivateApi(session: Session, nodes: readonly ReadyNode[]): void {
  const masters = nodes.filter(({ role }) => role === "master");
  const [first] = masters;
  if (!first || masters.some(({ publicAddress, jump }) => publicAddress !== undefined || jump.length === 0))
    return;
  const { user, host, port = 22 } = first.jump.at(-1)!;
  session.emit({
    type: "warning",
    problem: {
      path: "sites",
      message: `no master has a public address: kubectl reaches the cluster only from inside ${first.site}`,
      hint: `from elsewhere: ssh -p ${port} -N -L 6443:${first.address}:6443 ${user}@${host}, and kubectl --server https://127.0.0.1:6443 --tls-server-name ${first.address}; or put a master into a site with public addresses`,
    },
  });
}

/** Lets nodes that an earlier run drained take pods again; those that somebody else cordoned stay as they are. */
export async function returnToCluster(
  session: Session,
  cluster: FormedCluster,
  nodes: readonly ReadyNode[],
): Promise<FormedCluster> {
  const { kubernetes } = cluster;
  let returned = 0;
  for (const { name } of nodes) {
    const { drained, ...record } = await session.records.read(name);
    if (!drained) continue;
    await kubernetes.apply(
      [{ apiVersion: "v1", kind: "Node", metadata: { name }, spec: { unschedulable: false } }],
      { signal: session.signal, force: true },
    );
    await session.records.write(name, record);
    returned += 1;
  }
  return returned === 0 ? cluster : { ...cluster, nodes: await kubernetes.nodes({ signal: session.signal }) };
}
