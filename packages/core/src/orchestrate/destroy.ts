import type { Machine } from "../contracts/provider.js";
import { ValidationError } from "../errors/multicloud-error.js";
import { removeGateways } from "../gateway/ensure.js";
import { leftBehindWarnings } from "../gateway/left-behind.js";
import { forgottenSites } from "./forgotten-sites.js";
import { resetPersistentHosts } from "./reset-hosts.js";
import type { Session } from "./session.js";
import { settle } from "./settle.js";
import { siteMachines } from "./site-machines.js";

/** What `destroy()` removed. */
export interface DestroyResult {
  /** Names of the machines. */
  readonly machines: readonly string[];
  /** Node names of the overlay members. */
  readonly members: readonly string[];
}

/**
 * Removes everything with this cluster's mark in the sites of the configuration, whether it still names the
 * machine or not: the record first (nobody is sent to a dying cluster), then gateways, machines and what they share,
 * then overlay members (a living node would come back), the record once more, and the state last.
 */
export async function destroy(session: Session): Promise<DestroyResult> {
  const { config, steps, sites, signal } = session;
  const forgotten = await forgottenSites(session);
  if (forgotten.length > 0) throw new ValidationError(forgotten);
  for (const dns of [config.entrypoint, config.api]) {
    if (!dns) continue;
    await steps.run({ kind: "entrypoint", subject: dns.record, title: `removing ${dns.record}` }, () =>
      dns.remove(session.context()),
    );
  }
  for (const problem of await leftBehindWarnings(session)) session.emit({ type: "warning", problem });
  await removeGateways(session, sites);
  await resetPersistentHosts(session);
  const removed = await settle(
    sites.map(({ name }) => destroySite(session, name)),
    signal,
  );
  const members = await steps.run({ kind: "members", title: "removing overlay members" }, async (step) => {
    const ours = await config.overlay.members(session.context());
    if (ours.length > 0) await config.overlay.remove(session.context(), ours);
    await config.overlay.destroy(session.context());
    step.result(`${ours.length} removed`);
    return ours.map(({ node }) => node);
  });
  // Agents in the cluster lived on after the record was removed, and may have made it again.
  if (config.entrypoint?.inCluster) await config.entrypoint.remove(session.context());
  await session.state.clear();
  return { machines: removed.flat(), members };
}

async function destroySite(session: Session, name: string): Promise<readonly string[]> {
  const { provider } = session.sites.find((site) => site.name === name)!.config;
  return session.steps.run(
    { kind: "delete", site: name, title: "deleting machines, firewall and key" },
    async (step) => {
      const machines: readonly Machine[] = await provider.list(session.siteContext(name));
      step.progress(machines.length === 1 ? "1 machine" : `${machines.length} machines`);
      await siteMachines(session, name, Promise.resolve("")).delete(machines);
      await provider.deleteShared(session.siteContext(name));
      step.result(`${machines.length} machines deleted`);
      return machines.map((machine) => machine.name);
    },
  );
}
