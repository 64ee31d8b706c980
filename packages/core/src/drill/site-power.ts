import type { Machine } from "../contracts/provider.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import type { Session } from "../orchestrate/session.js";

/** Takes a site away; what it resolves with gives it back. */
export type SiteCut = (site: string, signal: AbortSignal) => Promise<() => Promise<void>>;

// Kept while a site is without power because of us, so that the next run can give it back if this one is killed.
const marker = "drill";

/** Cuts the power of the site's machines through their cloud. */
export function cutByProvider(session: Session): SiteCut {
  return async (site, signal) => {
    const { provider } = session.sites.find(({ name }) => name === site)!.config;
    if (!provider.power) throw cannotCut(site, provider.name);
    const machines = (await provider.list(session.siteContext(site, signal))).filter(
      ({ status }) => status === "running",
    );
    await session.state.write(marker, JSON.stringify({ site }));
    const restore = () => restorePower(session);
    try {
      await provider.power(session.siteContext(site, signal), machines, false);
    } catch (error) {
      await restore();
      throw error;
    }
    return restore;
  };
}

/** Gives a site its power back that a drill took; does nothing when none did. Safe to repeat. */
export async function restorePower(session: Session): Promise<void> {
  const kept = await session.state.read(marker);
  if (kept === undefined) return;
  const { site } = JSON.parse(Buffer.from(kept).toString("utf8")) as { site: string };
  const provider = session.sites.find(({ name }) => name === site)?.config.provider;
  if (provider?.power) {
    // A drill that is aborted must not leave the site dark.
    const context = session.siteContext(site, AbortSignal.timeout(120_000));
    const machines: readonly Machine[] = await provider.list(context);
    await provider.power(
      context,
      machines.filter(({ status }) => status === "stopped"),
      true,
    );
  }
  await session.state.delete(marker);
}

/** @throws MulticloudError `CONFIG_INVALID` */
export function cannotCut(site: string, provider: string): MulticloudError {
  return new MulticloudError(`${provider} cannot cut the power of ${site}`, {
    code: "CONFIG_INVALID",
    site,
    hint: "give drill() a `cut` that takes the site away and gives it back",
  });
}
