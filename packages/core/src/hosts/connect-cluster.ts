import type { Dialer } from "../contracts/dialer.js";
import type { KubernetesApi } from "../contracts/kubernetes.js";
import type { Session } from "../orchestrate/session.js";
import type { TopologyNode } from "../topology/topology.js";
import { openSiteDialer, type SiteDialer } from "./connect.js";

/** How long one master may take to answer before the next is tried. */
const patienceMs = 5_000;

/**
 * Opens a client for the cluster's API. A master behind NAT is reached as SSH reaches it, through the jump
 * hosts of its site. When the master that the kubeconfig names does not answer, the others are tried: any
 * of them serves the API, with a certificate that is valid for the addresses of all.
 */
export async function connectCluster(
  session: Session,
  kubeconfig: string,
  options: { readonly dialer?: Dialer } = {},
): Promise<KubernetesApi> {
  const { connect } = await import("@multicloud/kubernetes");
  const opened = new Map<string, Promise<SiteDialer>>();

  function dialerThrough(jump: TopologyNode["jump"]): Promise<SiteDialer> {
    const way = JSON.stringify(jump);
    const dialer = opened.get(way) ?? openSiteDialer(session, { jump });
    opened.set(way, dialer);
    return dialer;
  }

  const dial: Dialer = async (target, limits = {}) => {
    const candidates = await mastersFrom(session, target.host);
    const last = candidates.at(-1);
    let failure: unknown;
    for (const candidate of candidates) {
      const { address, jump } = candidate;
      const timeoutMs =
        candidate === last ? limits.timeoutMs : Math.min(patienceMs, limits.timeoutMs ?? patienceMs);
      try {
        const dialer = await dialerThrough(jump);
        return await dialer({ ...target, host: address }, { ...limits, ...(timeoutMs ? { timeoutMs } : {}) });
      } catch (error) {
        limits.signal?.throwIfAborted();
        // What is said of the master that was asked for counts, not what is said of its substitutes.
        if (failure === undefined || address === target.host) failure = error;
      }
    }
    throw failure;
  };

  const api = await connect(kubeconfig, { dialer: dial, ...options });
  return {
    ...api,
    async close() {
      await api.close();
      for (const dialer of opened.values()) await (await dialer).close?.();
    },
  };
}

interface Candidate {
  readonly address: string;
  readonly jump: TopologyNode["jump"];
}

/** The masters at the addresses of the last run, the wanted one first. An address that no master has any more comes last: it may be somebody else's by now. */
async function mastersFrom(session: Session, wanted: string): Promise<readonly Candidate[]> {
  const masters: Candidate[] = [];
  for (const node of session.sites.flatMap(({ nodes }) => nodes)) {
    if (node.role !== "master") continue;
    const { address, jump = node.jump } = await session.records.read(node.name);
    if (address !== undefined) masters.push({ address, jump });
  }
  const found = masters.find(({ address }) => address === wanted);
  return found
    ? [found, ...masters.filter((master) => master !== found)]
    : [...masters, { address: wanted, jump: [] }];
}
