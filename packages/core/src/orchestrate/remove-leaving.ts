import type { OverlayMember } from "../contracts/overlay.js";
import type { Machine } from "../contracts/provider.js";
import { forgetAddress } from "../gateway/address.js";
import type { PlanAction } from "../plan/plan.js";
import type { ReadyNode } from "./node-pipeline.js";
import type { Session } from "./session.js";
import { settle } from "./settle.js";
import { removeMachines, type SiteWork } from "./site-work.js";

/** Deletes the machines that the configuration does not have any more. */
export async function removeLeaving(
  session: Session,
  work: SiteWork,
  existing: ReadonlyMap<string, readonly Machine[]>,
  leaving: readonly PlanAction[],
): Promise<void> {
  const bySite = new Map<string, Machine[]>();
  for (const { site, node } of leaving) {
    const machine = existing.get(site)?.find(({ name }) => name === node);
    if (machine) bySite.set(site, [...(bySite.get(site) ?? []), machine]);
  }
  await settle(
    [...bySite].map(async ([site, machines]) => {
      await removeMachines(session, work.machines(site), site, machines);
      const stays = session.sites.some(({ name, config }) => name === site && config.gateway);
      if (!stays && machines.some(({ role }) => role === "gateway")) await forgetAddress(session, site);
    }),
    session.signal,
  );
}

/** The key and the firewall of a site that has no machines any more. */
export async function removeSharedOfEmptySites(session: Session): Promise<void> {
  const empty = session.sites.filter(({ nodes }) => nodes.length === 0);
  await settle(
    empty.map(({ name, config }) => config.provider.deleteShared(session.siteContext(name))),
    session.signal,
  );
}

/** Overlay members of ours that belong to no node any more: of deleted machines, or of a run that was cut off. */
export async function removeStrangers(
  session: Session,
  ready: readonly ReadyNode[],
  after: string,
): Promise<void> {
  const { overlay } = session.config;
  const mine = new Set(ready.map(({ memberId }) => memberId));
  const strangers: OverlayMember[] = (await overlay.members(session.context())).filter(
    ({ id }) => !mine.has(id),
  );
  if (strangers.length === 0) return;
  await session.steps.run(
    { kind: "members", title: "removing overlay members without a machine", after: [after] },
    () => overlay.remove(session.context(), strangers),
  );
}
