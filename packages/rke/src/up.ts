import {
  type EngineContext,
  type EngineNode,
  type EngineResult,
  type KubernetesApi,
  MulticloudError,
} from "@multicloud/core/plugin";
import { clusterYmlOf, inOrder, renderClusterYml } from "./cluster-yml/render.js";
import { clusterYml } from "./cluster-yml/schema.js";
import { secretValues } from "./cluster-yml/secrets.js";
import { digestOf } from "./digest.js";
import { reachableKubeconfig } from "./kubeconfig.js";
import type { Settings } from "./options.js";
import { runRke } from "./run/rke-run.js";
import { toolVersion } from "./run/tool.js";
import { type Applied, type EngineFiles, engineFiles, fileNames } from "./state/engine-files.js";
import { copyToNodes } from "./state/node-copies.js";
import { recoverState } from "./state/recover-state.js";

/** Makes the cluster have exactly these nodes; runs nothing when it has. */
export async function upRke(
  settings: Settings,
  context: EngineContext,
  given: readonly EngineNode[],
): Promise<EngineResult> {
  const nodes = inOrder(given);
  requireOneInterface(nodes);
  const [version] = await Promise.all([
    toolVersion(settings.binary, context.signal),
    probeAll(nodes, context.signal),
  ]);
  const files = engineFiles(await context.state.directory("engine"));
  const { cluster, privateKeyFile, apiName } = context;
  const document = clusterYmlOf({ cluster, privateKeyFile, apiName, nodes, settings });
  const secrets = secretValues(clusterYml, document);
  const digest = await digestOf(document, version);

  async function rke(args: readonly string[], attempts: number): Promise<void> {
    const text = renderClusterYml(document);
    if ((await files.read(fileNames.config)) !== text) await files.write(fileNames.config, text);
    const { directory } = files;
    await runRke({ context, settings, directory, args, nodes, secrets, attempts });
  }

  /** Says that the cluster is as wanted: on the nodes first, since nothing looks at them again after. */
  async function note(applied: Applied): Promise<boolean> {
    const record = `${JSON.stringify(applied)}\n`;
    const copied = await copyToNodes(files, record, nodes, context.signal);
    await files.write(fileNames.applied, record);
    return copied;
  }

  const current = (applied: Applied | undefined) =>
    applied?.digest === digest ? currentKubeconfig(context, files, nodes) : undefined;
  const before = await current(await files.applied());
  if (before !== undefined) return { kubeconfig: before, changed: false };
  const recovered = await recoverState({
    context,
    files,
    nodes,
    askCluster: () =>
      askCluster(context, () => rke(["util", "get-state-file", "--config", files.configFile], 1)),
  });
  const after = await current(recovered);
  if (recovered && after !== undefined) return { kubeconfig: after, changed: await note(recovered) };

  // From here on the cluster may be something else than what the last successful run left, but nothing on
  // the nodes is newer than the state here.
  const lastAt = (recovered ?? (await files.applied()))?.at ?? "";
  await files.write(fileNames.applied, `${JSON.stringify({ digest: "", at: lastAt })}\n`);
  await rke(["up", "--config", files.configFile, "--ignore-docker-version"], settings.attempts);
  const written = await files.kubeconfig();
  if (written === undefined) {
    throw new MulticloudError(`rke up succeeded but left no ${fileNames.kubeconfig}`, {
      code: "ENGINE_FAILED",
      service: "rke",
    });
  }
  const kubeconfig = reachableKubeconfig(written, nodes, context.apiName);
  // What does not depend on the count goes to the nodes meanwhile.
  const [counted, copied] = await Promise.allSettled([
    countNodes(settings, context, kubeconfig, nodes),
    copyToNodes(files, undefined, nodes, context.signal),
  ]);
  if (counted.status === "rejected") throw counted.reason;
  if (copied.status === "rejected") throw copied.reason;
  await note({ digest, at: new Date().toISOString() });
  return { kubeconfig, changed: true };
}

/**
 * Dials every node as RKE will: RKE drops nodes that it cannot reach, goes on and exits 0.
 *
 * @throws MulticloudError `HOST_UNREACHABLE`
 */
export async function probeAll(nodes: readonly EngineNode[], signal: AbortSignal): Promise<void> {
  const results = await Promise.allSettled(nodes.map((node) => node.probe(signal)));
  signal.throwIfAborted();
  const failures = results.flatMap((result, index) => {
    const node = nodes[index];
    return result.status === "rejected" && node ? [{ node, cause: result.reason as unknown }] : [];
  });
  const [first] = failures;
  if (!first) return;
  const { node, cause } = first;
  const others = failures.length > 1 ? ` (and ${failures.length - 1} more)` : "";
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new MulticloudError(
    `${failures.map((failure) => failure.node.name).join(", ")} cannot be reached over SSH, so RKE was not run: ${reason}${others}`,
    {
      code: "HOST_UNREACHABLE",
      site: node.site,
      node: node.name,
      hint: `check that ${node.address}:${node.port} answers${node.jump.length > 0 ? " through the jump host" : ""}, then run up() again`,
      cause,
    },
  );
}

// flannel takes one interface name for the whole cluster.
function requireOneInterface(nodes: readonly EngineNode[]): void {
  const names = [...new Set(nodes.map((node) => node.overlayInterface))];
  if (names.length <= 1) return;
  throw new MulticloudError(
    `RKE takes one overlay interface for all nodes, but they have ${names.join(", ")}`,
    { code: "OVERLAY_FAILED" },
  );
}

async function currentKubeconfig(
  context: EngineContext,
  files: EngineFiles,
  nodes: readonly EngineNode[],
): Promise<string | undefined> {
  const [state, written] = await Promise.all([files.state(), files.kubeconfig()]);
  if (!state || written === undefined) return undefined;
  const kubeconfig = reachableKubeconfig(written, nodes, context.apiName);
  try {
    const present = await withApi(context, kubeconfig, (api) =>
      api.nodes({ signal: AbortSignal.any([context.signal, AbortSignal.timeout(30_000)]) }),
    );
    const ready = new Set(present.filter((node) => node.ready).map((node) => node.name));
    return nodes.every((node) => ready.has(node.name)) ? kubeconfig : undefined;
  } catch {
    // An API that does not answer is a reason to run RKE, which mends it.
    context.signal.throwIfAborted();
    return undefined;
  }
}

async function askCluster(context: EngineContext, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    context.signal.throwIfAborted();
    if (!MulticloudError.isInstance(error)) throw error;
    context.report({
      type: "log",
      level: "warn",
      message: `the cluster does not give its state: ${error.message}`,
    });
  }
}

async function countNodes(
  settings: Settings,
  context: EngineContext,
  kubeconfig: string,
  nodes: readonly EngineNode[],
): Promise<void> {
  const names = nodes.map((node) => node.name);
  await withApi(context, kubeconfig, async (api) => {
    try {
      await api.waitNodesReady(names, {
        signal: context.signal,
        timeoutMs: settings.readyTimeoutMs,
        onProgress: (message) => context.report({ type: "log", level: "info", message }),
      });
    } catch (error) {
      context.signal.throwIfAborted();
      const present = await api.nodes({ signal: context.signal });
      const missing = nodes.find((node) => !present.some(({ name }) => name === node.name));
      if (!missing) throw error;
      throw new MulticloudError(`rke up succeeded, but ${missing.name} is not in the cluster`, {
        code: "ENGINE_NODE_DROPPED",
        site: missing.site,
        node: missing.name,
        hint: "the containers kubelet and nginx-proxy on that node say why (docker logs kubelet)",
        cause: error,
      });
    }
  });
}

async function withApi<T>(
  context: EngineContext,
  kubeconfig: string,
  use: (api: KubernetesApi) => Promise<T>,
): Promise<T> {
  const api = await context.kubernetes(kubeconfig);
  try {
    return await use(api);
  } finally {
    await api.close();
  }
}
