import type { Server } from "./servers.js";

type Fields = Record<string, unknown>;
interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly kind: string; readonly uid: string }[];
  };
  readonly spec: {
    nodeName?: string;
    readonly containers: readonly { readonly name: string; readonly image: string }[];
    readonly affinity?: {
      readonly nodeAffinity?: {
        readonly requiredDuringSchedulingIgnoredDuringExecution?: {
          readonly nodeSelectorTerms: readonly {
            readonly matchFields?: readonly { readonly values: readonly string[] }[];
          }[];
        };
      };
    };
  };
  readonly status: { readonly phase?: string };
}

/** Nodes of a real API server, played: what a scheduler and kubelets write there, without a container. */
export interface PlayedNodes {
  add(name: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  setReady(name: string, ready: boolean): Promise<void>;
  /** Ends the play and removes the nodes. */
  stop(): Promise<void>;
}

export function playNodes(server: Server): PlayedNodes {
  const names = new Set<string>();
  let ended = false;
  const ask = async (...[request]: Parameters<Server["request"]>) => {
    const answer = await server.request(request);
    // Whatever a pod did meanwhile is seen at the next look.
    if (answer.status >= 400 && ![404, 409].includes(answer.status))
      throw new Error(`${request.method} ${request.path}: ${JSON.stringify(answer.body)}`);
    return answer.body as Fields;
  };
  const patch = (path: string, body: unknown) =>
    ask({ method: "PATCH", path, body, contentType: "application/strategic-merge-patch+json" });

  async function look(): Promise<void> {
    const pods = ((await ask({ method: "GET", path: "/api/v1/pods" })).items ?? []) as Pod[];
    const nodes = ((await ask({ method: "GET", path: "/api/v1/nodes" })).items ?? []) as {
      metadata: { name: string };
      spec: { unschedulable?: boolean };
    }[];
    const free = nodes.filter(({ spec }) => !spec.unschedulable).map(({ metadata }) => metadata.name);
    for (const pod of pods) {
      const { name, namespace, deletionTimestamp } = pod.metadata;
      const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
      if (deletionTimestamp !== undefined) {
        await ask({
          method: "DELETE",
          path,
          body: { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0 },
        });
      } else if (pod.spec.nodeName === undefined) {
        const name = wantedNode(pod) ?? leastUsed(free, pods, pod);
        if (name === undefined) continue;
        await ask({ method: "POST", path: `${path}/binding`, body: bindingOf(pod, name) });
        // The next pod is to see it there.
        pod.spec.nodeName = name;
      } else if (pod.status.phase === "Pending" && names.has(pod.spec.nodeName)) {
        await patch(`${path}/status`, { status: running(pod) });
      }
    }
  }

  const play = (async () => {
    while (!ended) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  // An error of the play is the test's: it shows when the play is ended.
  play.catch(() => {});

  async function setReady(name: string, ready: boolean): Promise<void> {
    const status = ready ? "True" : "False";
    await patch(`/api/v1/nodes/${name}/status`, {
      status: {
        conditions: [{ type: "Ready", status, reason: "Played", message: "" }],
        addresses: [{ type: "InternalIP", address: "10.147.20.1" }],
        nodeInfo: { kubeletVersion: "v1.36.3" },
      },
    });
  }

  return {
    setReady,
    async add(name, labels = {}) {
      names.add(name);
      await ask({
        method: "POST",
        path: "/api/v1/nodes",
        body: { apiVersion: "v1", kind: "Node", metadata: { name, labels } },
      });
      // Nodes come tainted as not ready; the controller that would take that away is not run.
      await ask({
        method: "PATCH",
        path: `/api/v1/nodes/${name}`,
        body: { spec: { taints: null } },
        contentType: "application/merge-patch+json",
      });
      await setReady(name, true);
    },
    async stop() {
      ended = true;
      await play;
      for (const name of names) await ask({ method: "DELETE", path: `/api/v1/nodes/${name}` });
    },
  };
}

/** A DaemonSet names the node of each of its pods. */
function wantedNode(pod: Pod): string | undefined {
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values[0];
}

/** The node with the fewest pods of the same owner, as a real scheduler spreads them. */
function leastUsed(free: readonly string[], pods: readonly Pod[], pod: Pod): string | undefined {
  const owner = pod.metadata.ownerReferences?.[0]?.uid;
  const load = (node: string) =>
    pods.filter(
      ({ metadata, spec }) => spec.nodeName === node && metadata.ownerReferences?.[0]?.uid === owner,
    ).length;
  return [...free].sort((a, b) => load(a) - load(b))[0];
}

function bindingOf({ metadata: { name, namespace } }: Pod, node: string): Fields {
  return {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name, namespace },
    target: { apiVersion: "v1", kind: "Node", name: node },
  };
}

function running(pod: Pod): Fields {
  const isJob = pod.metadata.ownerReferences?.some(({ kind }) => kind === "Job") === true;
  const now = new Date().toISOString().replace(/\.\d+/, "");
  const condition = (type: string) => ({ type, status: "True", lastTransitionTime: now });
  return {
    phase: isJob ? "Succeeded" : "Running",
    startTime: now,
    conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map(condition),
    containerStatuses: pod.spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      ready: !isJob,
      restartCount: 0,
      state: isJob
        ? { terminated: { exitCode: 0, reason: "Completed", startedAt: now, finishedAt: now } }
        : { running: { startedAt: now } },
    })),
  };
}
