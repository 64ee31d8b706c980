import type { OverlayNetwork } from "../contracts/overlay.js";
import type { Machine } from "../contracts/provider.js";
import type { Connections } from "../hosts/connect.js";
import type { PipelineParts } from "./machine-pipeline.js";
import type { Session } from "./session.js";
import { settle } from "./settle.js";
import { type SiteMachines, siteMachines } from "./site-machines.js";

/** What the nodes of all sites have in common while a run makes them. */
export interface SiteWork {
  readonly network: Promise<OverlayNetwork>;
  /** All that nodes wait for themselves, so that it is finished too where no node needed it. */
  readonly setup: Promise<undefined>;
  parts(site: string): PipelineParts;
  machines(site: string): SiteMachines;
}

/** Starts what the nodes of a site share (key, firewall) and the overlay network; nodes wait only for what they need. */
export function prepareSites(session: Session, connections: Connections): SiteWork {
  const { config, steps, firewall } = session;
  const network = steps.run(
    { kind: "overlay-network", title: "ensuring the overlay network" },
    async (step) => {
      const found = await config.overlay.ensure(session.context());
      step.result(`${found.id}, interface ${found.interfaceName}`);
      return found;
    },
  );
  const bySite = new Map(
    session.sites.map((site) => {
      // A site that is being emptied needs neither.
      if (site.nodes.length === 0) {
        const nothing = Promise.resolve("");
        return [site.name, { shared: nothing, machines: siteMachines(session, site.name, nothing) }];
      }
      const shared = steps.run(
        { kind: "shared", site: site.name, title: "ensuring SSH key and firewall" },
        async ({ id }) => {
          const { publicKey } = await session.key();
          await site.config.provider.ensureShared(session.siteContext(site.name), {
            sshPublicKey: publicKey,
            firewall,
          });
          return id;
        },
      );
      const both = Promise.all([shared, network]).then(([id]) => id);
      return [site.name, { shared: both, machines: siteMachines(session, site.name, both) }];
    }),
  );
  const setup = settle<unknown>(
    [network, ...[...bySite.values()].map(({ shared }) => shared)],
    session.signal,
  ).then(() => undefined);
  // Each failure reaches the run through the nodes and through `setup`; as an unhandled rejection it would end the process.
  for (const { shared } of bySite.values()) shared.catch(() => {});
  for (const one of [network, setup]) one.catch(() => {});
  return {
    network,
    setup,
    machines: (site) => bySite.get(site)!.machines,
    parts: (site) => ({
      network,
      networkStep: "overlay-network",
      connections,
      machines: bySite.get(site)!.machines,
    }),
  };
}

/** Deletes machines of one site as a step of its own. */
export async function removeMachines(
  session: Session,
  machines: SiteMachines,
  site: string,
  which: readonly Machine[],
): Promise<void> {
  await session.steps.run(
    { kind: "delete", site, title: `deleting ${which.map(({ name }) => name).join(", ")}` },
    () => machines.delete(which),
  );
}
