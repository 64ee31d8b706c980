import type { Dialer } from "../contracts/dialer.js";
import type { KubernetesApi } from "../contracts/kubernetes.js";
import type { Session } from "../orchestrate/session.js";
import { openSiteDialer, type SiteDialer } from "./connect.js";

/**
 * Opens a client for the cluster's API. When all masters stand behind NAT, the API is reached as their SSH
 * is: through the jump hosts of their site.
 */
export async function connectCluster(
  session: Session,
  kubeconfig: string,
  options: { readonly dialer?: Dialer } = {},
): Promise<KubernetesApi> {
  const { connect } = await import("@multicloud/kubernetes");
  const opened = new Map<string, Promise<SiteDialer>>();

  const dial: Dialer = async (target, dialOptions) => {
    const node = await jumpedMaster(session, target.host);
    if (!node) return session.dialer(target, dialOptions);
    const way = JSON.stringify(node.jump);
    const dialer = opened.get(way) ?? openSiteDialer(session, node);
    opened.set(way, dialer);
    return (await dialer)(target, dialOptions);
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

/** The master behind jump hosts, its site's or its own, that was reached at this address. */
async function jumpedMaster(session: Session, address: string) {
  const masters = session.sites.flatMap(({ nodes }) => nodes).filter(({ role }) => role === "master");
  for (const node of masters) {
    const record = await session.records.read(node.name);
    const jump = record.jump ?? node.jump;
    if (record.address === address && jump.length > 0) return { site: node.site, jump };
  }
  return undefined;
}
