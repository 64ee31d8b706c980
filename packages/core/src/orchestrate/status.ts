import type { EntrypointRecord } from "../contracts/dns-entrypoint.js";
import type { KubernetesNode } from "../contracts/kubernetes.js";
import type { Machine, Role } from "../contracts/provider.js";
import type { Session } from "./session.js";
import { withDeadline } from "./session.js";
import { settle } from "./settle.js";

/** One node as its cloud, the overlay and Kubernetes see it. */
export interface NodeStatus {
  readonly name: string;
  readonly site: string;
  readonly role: Role;
  /** `missing`: the configuration wants it, no cloud has it. */
  readonly machine: Machine["status"] | "missing";
  readonly publicAddress?: string;
  readonly privateAddress?: string;
  readonly overlayAddress?: string;
  /** `undefined` when the cluster could not be asked. */
  readonly ready?: boolean;
  readonly version?: string;
}

/** The cluster as it is. */
export interface StatusResult {
  readonly cluster: string;
  readonly nodes: readonly NodeStatus[];
  /** Whether the Kubernetes API answered; `none` before there is a cluster. */
  readonly api: "answers" | "silent" | "none";
  readonly entrypoint?: EntrypointRecord;
}

/** How long the cluster may take to answer before it counts as silent. */
const apiMs = 15_000;

/** Looks at everything and changes nothing. */
export async function status(session: Session): Promise<StatusResult> {
  const { config, sites, signal } = session;
  const [machines, members, record, kubernetes] = await Promise.all([
    listAll(session),
    config.overlay.members(session.context()),
    config.entrypoint?.get(session.context()),
    askCluster(session, signal),
  ]);
  const names = new Set([
    ...sites.flatMap((site) => site.nodes.map(({ name }) => name)),
    ...machines.map(({ name }) => name),
  ]);
  const planned = new Map(sites.flatMap((site) => site.nodes.map((node) => [node.name, node] as const)));
  const nodes = [...names].map((name): NodeStatus => {
    const machine = machines.find((one) => one.name === name);
    const seen = kubernetes.nodes?.find((one) => one.name === name);
    const overlayAddress = members.find(({ node }) => node === name)?.address;
    return {
      name,
      site: machine?.site ?? planned.get(name)!.site,
      role: machine?.role ?? planned.get(name)!.role,
      machine: machine?.status ?? "missing",
      ...(machine?.publicAddress ? { publicAddress: machine.publicAddress } : {}),
      ...(machine?.privateAddress ? { privateAddress: machine.privateAddress } : {}),
      ...(overlayAddress ? { overlayAddress } : {}),
      ...(kubernetes.nodes ? { ready: seen?.ready ?? false } : {}),
      ...(seen ? { version: seen.version } : {}),
    };
  });
  return { cluster: config.name, nodes, api: kubernetes.api, ...(record ? { entrypoint: record } : {}) };
}

/** Machines of all sites with the site that they are in. */
export async function listAll(session: Session): Promise<readonly (Machine & { readonly site: string })[]> {
  const lists = await settle(
    session.sites.map(async ({ name, config }) =>
      (await config.provider.list(session.siteContext(name))).map((machine) => ({ ...machine, site: name })),
    ),
    session.signal,
  );
  return lists.flat();
}

async function askCluster(
  session: Session,
  signal: AbortSignal,
): Promise<{ api: StatusResult["api"]; nodes?: readonly KubernetesNode[] }> {
  const kubeconfig = await session.state.read("kubeconfig");
  if (kubeconfig === undefined) return { api: "none" };
  try {
    const nodes = await withDeadline(signal, apiMs, "the cluster's API", async (own) => {
      const kubernetes = await session
        .engineContext(own)
        .kubernetes(Buffer.from(kubeconfig).toString("utf8"));
      try {
        return await kubernetes.nodes({ signal: own });
      } finally {
        await kubernetes.close();
      }
    });
    return { api: "answers", nodes };
  } catch {
    signal.throwIfAborted();
    return { api: "silent" };
  }
}
