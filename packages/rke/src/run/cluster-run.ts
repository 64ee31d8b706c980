import {
  type EngineContext,
  type EngineNode,
  type KubernetesApi,
  MulticloudError,
} from "@multicloud/core/plugin";
import { clusterYmlOf, inOrder, renderClusterYml } from "../cluster-yml/render.js";
import { clusterYml } from "../cluster-yml/schema.js";
import { secretValues } from "../cluster-yml/secrets.js";
import { digestOf } from "../digest.js";
import { reachableKubeconfig } from "../kubeconfig.js";
import type { Settings } from "../options.js";
import { type Applied, type EngineFiles, engineFiles, fileNames } from "../state/engine-files.js";
import { copyToNodes } from "../state/node-copies.js";
import { recoverState } from "../state/recover-state.js";
import { runRke } from "./rke-run.js";
import { toolVersion } from "./tool.js";

/** Options of one run of the program. */
export interface RunOptions {
  readonly attempts: number;
  /** Nodes that RKE must not go on without. Default: all. */
  readonly needed?: readonly EngineNode[];
}

/** RKE for these nodes: its files, and its program run on them. */
export interface ClusterRun {
  readonly nodes: readonly EngineNode[];
  readonly files: EngineFiles;
  /** Of everything that decides what the cluster is like. */
  readonly digest: string;
  /** Runs the program with `--config` and `--ignore-docker-version` added. */
  rke(args: readonly string[], options: RunOptions): Promise<void>;
  /** Makes sure that the state here is this cluster's newest; see {@link recoverState}. */
  recover(): Promise<Applied | undefined>;
  /** Notes that the cluster may be something else from here on than what was applied last. */
  begin(recovered: Applied | undefined): Promise<void>;
  /** The kubeconfig when the cluster is as this digest says and all nodes are Ready. */
  current(applied: Applied | undefined): Promise<string | undefined>;
  /** Says that the cluster is as wanted: on the nodes first, since nothing looks at them again after. True when something was written to a node. */
  note(applied: Applied): Promise<boolean>;
  /** After a run that built the cluster: counts the nodes, copies the state to them, notes it. Gives the kubeconfig. */
  finish(): Promise<string>;
}

/** Opens RKE for these nodes. Starts `rke --version`; changes nothing. */
export async function openClusterRun(
  settings: Settings,
  context: EngineContext,
  given: readonly EngineNode[],
): Promise<ClusterRun> {
  const nodes = inOrder(given);
  requireOneInterface(nodes);
  const version = await toolVersion(settings.binary, context.signal);
  const files = engineFiles(await context.state.directory("engine"));
  const { cluster, privateKeyFile, apiName } = context;
  const document = clusterYmlOf({ cluster, privateKeyFile, apiName, nodes, settings });
  const secrets = secretValues(clusterYml, document);
  const digest = await digestOf(document, version);

  async function rke(args: readonly string[], { attempts, needed = nodes }: RunOptions): Promise<void> {
    const text = renderClusterYml(document);
    if ((await files.read(fileNames.config)) !== text) await files.write(fileNames.config, text);
    // The version is checked nowhere else but here: Debian's Docker is newer than what RKE knows.
    const all = [...args, "--config", files.configFile, "--ignore-docker-version"];
    const { directory } = files;
    await runRke({ context, settings, directory, args: all, nodes, needed, secrets, attempts });
  }

  async function note(applied: Applied): Promise<boolean> {
    const record = `${JSON.stringify(applied)}\n`;
    const copied = await copyToNodes(files, record, nodes, context.signal);
    await files.write(fileNames.applied, record);
    return copied;
  }

  return {
    nodes,
    files,
    digest,
    rke,
    note,
    recover: () =>
      recoverState({
        context,
        files,
        nodes,
        askCluster: () => askCluster(context, () => rke(["util", "get-state-file"], { attempts: 1 })),
      }),
    async begin(recovered) {
      // Nothing on the nodes is newer than the state here, and the time says so.
      const lastAt = (recovered ?? (await files.applied()))?.at ?? "";
      await files.write(fileNames.applied, `${JSON.stringify({ digest: "", at: lastAt })}\n`);
    },
    async current(applied) {
      return applied?.digest === digest ? currentKubeconfig(context, files, nodes) : undefined;
    },
    async finish() {
      const written = await files.kubeconfig();
      if (written === undefined) {
        throw new MulticloudError(`rke succeeded but left no ${fileNames.kubeconfig}`, {
          code: "ENGINE_FAILED",
          service: "rke",
        });
      }
      const kubeconfig = reachableKubeconfig(written, nodes, apiName);
      // What does not depend on the count goes to the nodes meanwhile.
      const [counted, copied] = await Promise.allSettled([
        countNodes(settings, context, kubeconfig, nodes),
        copyToNodes(files, undefined, nodes, context.signal),
      ]);
      if (counted.status === "rejected") throw counted.reason;
      if (copied.status === "rejected") throw copied.reason;
      await note({ digest, at: new Date().toISOString() });
      return kubeconfig;
    },
  };
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
