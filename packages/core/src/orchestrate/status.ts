import type { EntrypointRecord } from "../contracts/dns-entrypoint.js";
import type { KubernetesNode } from "../contracts/kubernetes.js";
import type { IncompleteListError, Machine, Role } from "../contracts/provider.js";
import type { MulticloudError } from "../errors/multicloud-error.js";
import { askGateways, type GatewayStatus } from "../gateway/status.js";
import { toMulticloudError } from "../run/run.js";
import { isNodeMachine } from "../topology/topology.js";
import { type Session, withDeadline } from "./session.js";

/** One node as its cloud, the overlay and Kubernetes see it. */
export interface NodeStatus {
  readonly name: string;
  readonly site: string;
  readonly role: Role;
  /** `missing`: the configuration wants it, its cloud does not have it; `unknown`: its cloud did not answer. */
  readonly machine: Machine["status"] | "missing" | "unknown";
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
  /** Sites whose cloud, or a host of them, did not answer, with the reason: looking at the others does not depend on them. */
  readonly silent: readonly { readonly site: string; readonly error: MulticloudError }[];
  /** Whether the Kubernetes API answered; `none` before there is a cluster. */
  readonly api: "answers" | "silent" | "none";
  readonly entrypoint?: EntrypointRecord;
  /** The API's name with the masters' addresses. */
  readonly apiRecord?: EntrypointRecord;
  /** Of the sites that have one. */
  readonly gateways?: readonly GatewayStatus[];
}

/** How long the cluster, or a site's cloud, may take to answer before it counts as silent. */
const patienceMs = 15_000;

/** Looks at everything and changes nothing. A site without power does not keep it from telling about the others. */
export async function status(session: Session): Promise<StatusResult> {
  const { config, sites, signal } = session;
  const asked = askSites(session);
  const machinesOf = async (site: string) => (await asked).find((answer) => answer.site === site)?.machines;
  const [answers, members, record, apiRecord, kubernetes, gateways] = await Promise.all([
    asked,
    config.overlay.members(session.context()),
    config.entrypoint?.get(session.context()),
    config.api?.get(session.context()),
    askCluster(session, signal),
    askGateways(session, machinesOf),
  ]);
  const machines = answers.flatMap(({ site, seen = [], machines: found = seen }) =>
    found.filter(isNodeMachine).map((machine) => ({ ...machine, site })),
  );
  const silent = answers.flatMap(({ site, error }) => (error ? [{ site, error }] : []));
  const planned = new Map(sites.flatMap((site) => site.nodes.map((node) => [node.name, node] as const)));
  const names = new Set([...planned.keys(), ...machines.map(({ name }) => name)]);
  const nodes = [...names].map((name): NodeStatus => {
    const machine = machines.find((one) => one.name === name);
    const site = machine?.site ?? planned.get(name)!.site;
    const seen = kubernetes.nodes?.find((one) => one.name === name);
    const overlayAddress = members.find(({ node }) => node === name)?.address;
    return {
      name,
      site,
      role: machine?.role ?? planned.get(name)!.role,
      machine: machine?.status ?? (silent.some((one) => one.site === site) ? "unknown" : "missing"),
      ...(machine?.publicAddress ? { publicAddress: machine.publicAddress } : {}),
      ...(machine?.privateAddress ? { privateAddress: machine.privateAddress } : {}),
      ...(overlayAddress ? { overlayAddress } : {}),
      ...(kubernetes.nodes ? { ready: seen?.ready ?? false } : {}),
      ...(seen ? { version: seen.version } : {}),
    };
  });
  return {
    cluster: config.name,
    nodes,
    silent,
    api: kubernetes.api,
    ...(record ? { entrypoint: record } : {}),
    ...(apiRecord ? { apiRecord } : {}),
    ...(gateways.length > 0 ? { gateways } : {}),
  };
}

/** What one site's cloud said, or why it said nothing, or not all. */
export interface SiteAnswer {
  readonly site: string;
  readonly machines?: readonly Machine[];
  /** Some of its machines, when it did not tell all. */
  readonly seen?: readonly Machine[];
  readonly error?: MulticloudError;
}

/** Lists one site; one that does not answer within some seconds is an answer too. */
export async function askSite(session: Session, site: string): Promise<SiteAnswer> {
  const { provider } = session.sites.find(({ name }) => name === site)!.config;
  try {
    const machines = await withDeadline(session.signal, patienceMs, `listing ${site}`, (signal) =>
      provider.list(session.siteContext(site, signal)),
    );
    return { site, machines };
  } catch (error) {
    session.signal.throwIfAborted();
    const { machines } = error as Partial<IncompleteListError>;
    return { site, error: toMulticloudError(error), ...(machines ? { seen: machines } : {}) };
  }
}

function askSites(session: Session): Promise<readonly SiteAnswer[]> {
  return Promise.all(session.sites.map(({ name }) => askSite(session, name)));
}

/** Machines of all sites with the site that they are in; rejects when a site does not answer. */
export async function listAll(session: Session): Promise<readonly (Machine & { readonly site: string })[]> {
  const answers = await askSites(session);
  const failed = answers.find(({ error }) => error);
  if (failed) throw failed.error;
  return answers.flatMap(({ site, machines = [] }) => machines.map((machine) => ({ ...machine, site })));
}

async function askCluster(
  session: Session,
  signal: AbortSignal,
): Promise<{ api: StatusResult["api"]; nodes?: readonly KubernetesNode[] }> {
  const kubeconfig = await session.state.read("kubeconfig");
  if (kubeconfig === undefined) return { api: "none" };
  try {
    const nodes = await withDeadline(signal, patienceMs, "the cluster's API", async (own) => {
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
