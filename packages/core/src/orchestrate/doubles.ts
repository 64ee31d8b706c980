import type { Machine } from "../contracts/provider.js";
import type { PlanAction } from "../plan/plan.js";
import type { Session } from "./session.js";
import { settle } from "./settle.js";

/** A creation that a killed run left on its way can be carried out after this run has looked and asked for the machine again. */
export async function lateDoubles(
  session: Session,
  made: readonly PlanAction[],
  kept: readonly Machine[],
): Promise<ReadonlyMap<string, readonly Machine[]>> {
  const found = await settle(
    [...new Set(made.map(({ site }) => site))].map(async (site) => {
      const machines = await session.sites
        .find(({ name }) => name === site)!
        .config.provider.list(session.siteContext(site));
      const doubles = machines.filter(
        ({ name, id, status }) =>
          status !== "deleting" && kept.some((one) => one.name === name && one.id !== id),
      );
      return [site, doubles] as const;
    }),
    session.signal,
  );
  return new Map(found);
}

/** Second machines of a name go before anything is done with the first: nobody could tell them apart later. */
export async function removeDoubles(
  session: Session,
  doubles: ReadonlyMap<string, readonly Machine[]>,
): Promise<void> {
  await settle(
    [...doubles].map(async ([site, machines]) => {
      if (machines.length === 0) return;
      const { provider } = session.sites.find(({ name }) => name === site)!.config;
      const title = `deleting doubles of ${machines.map(({ name }) => name).join(", ")}`;
      await session.steps.run({ kind: "delete", site, title }, () =>
        provider.delete(session.siteContext(site), machines),
      );
    }),
    session.signal,
  );
}
