import type { Problem } from "../contracts/context.js";
import { ValidationError } from "../errors/multicloud-error.js";
import { forgetAddress } from "../gateway/address.js";
import { gatewaysLeftBehind } from "../gateway/left-behind.js";
import { forgetOwnMachine } from "../gateway/own-machines.js";
import { nearest } from "../plugin/nearest.js";
import type { Session } from "./session.js";

/**
 * Sites that the configuration no longer has although the state knows machines of them: without the site's
 * provider nobody could list or delete them, so they would run, and cost, for ever.
 */
export async function forgottenSites(session: Session): Promise<Problem[]> {
  return [...(await missingSites(session))].map(([site, nodes]) => ({
    path: `sites.${site}`,
    message: `is no longer there, but has machines: ${nodes.join(", ")}`,
    hint: `keep the site with the count 0 for its pools until up() has removed them; if they are gone for good, say so: up({ forget: [${JSON.stringify(site)}] }), or the same with destroy()`,
  }));
}

/**
 * Takes the machines of these sites, and gateways that were left behind there, for gone, because their owner says so: nobody could ask.
 *
 * @throws ValidationError for a site that the configuration still has, or of which nothing is known
 */
export async function forgetSites(session: Session, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const missing = await missingSites(session);
  const left = await gatewaysLeftBehind(session);
  for (const { site } of left) if (!missing.has(site)) missing.set(site, []);
  const problems = names.flatMap((name, index): Problem[] => {
    if (missing.has(name)) return [];
    const path = `forget[${index}]`;
    if (session.sites.some((site) => site.name === name))
      return [
        {
          path,
          message: "is a site of the configuration",
          given: name,
          hint: "take the site out of the configuration first; while it is there, its machines are looked for",
        },
      ];
    const suggestion = nearest(name, missing.keys());
    return [
      {
        path,
        message: "is no site that left machines or a gateway behind",
        given: name,
        allowed: [...missing.keys()],
        ...(suggestion ? { suggestion } : {}),
      },
    ];
  });
  if (problems.length > 0) throw new ValidationError(problems);
  for (const name of names) {
    for (const node of missing.get(name) ?? []) await session.records.delete(node);
    for (const one of left) if (one.site === name) await forgetOwnMachine(session, name, one);
    if (!session.sites.some((site) => site.name === name && site.config.gateway))
      await forgetAddress(session, name);
  }
}

/** Machines that the state knows, by the site that the configuration no longer has. */
async function missingSites({ config, sites, records }: Session): Promise<Map<string, string[]>> {
  const missing = new Map<string, string[]>();
  for (const node of await records.nodes()) {
    const site = siteOf(config.name, node);
    if (site === undefined || sites.some(({ name }) => name === site)) continue;
    missing.set(site, [...(missing.get(site) ?? []), node]);
  }
  return missing;
}

/** The site in a name of the form `<cluster>-<site>-<role>-<n>`. */
function siteOf(cluster: string, node: string): string | undefined {
  if (!node.startsWith(`${cluster}-`)) return undefined;
  return /^(.+)-(?:master|worker|gateway)-\d+$/.exec(node.slice(cluster.length + 1))?.[1];
}
