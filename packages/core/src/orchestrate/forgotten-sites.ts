import type { Problem } from "../contracts/context.js";
import type { Session } from "./session.js";

/**
 * Sites that the configuration no longer has although the state knows machines of them: without the site's
 * provider nobody could list or delete them, so they would run, and cost, for ever.
 */
export async function forgottenSites(session: Session): Promise<Problem[]> {
  const { config, sites, records } = session;
  const forgotten = new Map<string, string[]>();
  for (const node of await records.nodes()) {
    const site = siteOf(config.name, node);
    if (site === undefined || sites.some(({ name }) => name === site)) continue;
    forgotten.set(site, [...(forgotten.get(site) ?? []), node]);
  }
  return [...forgotten].map(([site, nodes]) => ({
    path: `sites.${site}`,
    message: `is no longer there, but has machines: ${nodes.join(", ")}`,
    hint: `keep the site with the count 0 for its pools until up() has removed them; if they are gone already, remove ${nodes
      .map((node) => session.state.path(`hosts/${node}.json`) ?? `hosts/${node}.json`)
      .join(" and ")}`,
  }));
}

/** The site in a name of the form `<cluster>-<site>-<role>-<n>`. */
function siteOf(cluster: string, node: string): string | undefined {
  if (!node.startsWith(`${cluster}-`)) return undefined;
  return /^(.+)-(?:master|worker)-\d+$/.exec(node.slice(cluster.length + 1))?.[1];
}
