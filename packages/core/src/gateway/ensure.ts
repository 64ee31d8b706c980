import type { MulticloudError } from "../errors/multicloud-error.js";
import type { ReachedMachine } from "../orchestrate/machine-pipeline.js";
import type { ReadyNode } from "../orchestrate/node-pipeline.js";
import type { Session } from "../orchestrate/session.js";
import { settle } from "../orchestrate/settle.js";
import type { TopologySite } from "../topology/topology.js";
import { forgetAddress, gatewayAddress, rememberAddress } from "./address.js";
import { callGateway } from "./call.js";
import { forgetOwnMachine, noteOwnMachine } from "./own-machines.js";

/** Lets the gateways of these sites pass connections to exactly the given nodes: before a node goes, and after one came. */
export async function ensureGateways(
  session: Session,
  nodes: readonly ReadyNode[],
  machines: ReadonlyMap<string, Promise<ReachedMachine>>,
  names: readonly string[] = session.sites.map(({ name }) => name),
): Promise<void> {
  const sites = session.sites.filter(({ name }) => names.includes(name));
  await settle(
    sites.map(async (site) => {
      const { name, config, nodes: wanted } = site;
      const { gateway } = config;
      if (!gateway || wanted.length === 0) return;
      const known = await machines.get(name);
      const own = nodes.filter((node) => node.site === name);
      const workers = own.filter(({ role }) => role === "worker").length;
      await session.steps.run(
        {
          kind: "gateway",
          site: name,
          title: `${gateway.name}: in front of ${workers === 1 ? "1 worker" : `${workers} workers`}`,
          after: [...own, ...(known ? [known] : [])].map(({ lastStep }) => lastStep),
        },
        async (step) => {
          if (!gateway.machine) await noteOwnMachine(session, name, gateway);
          const { changed } = await callGateway(
            session,
            site,
            gateway,
            (one, context) => one.ensure(context, own),
            { known },
          );
          step.progress(changed ? "changed" : "nothing to change");
          const { address, error } = await gatewayAddress(session, site, known);
          if (error) warnOfAddress(session, name, error, address);
          else if (address !== undefined) await rememberAddress(session, name, gateway, address);
          step.result(`${address ?? "address unknown"}, ${changed ? "changed" : "nothing to change"}`);
        },
      );
    }),
    session.signal,
  );
}

/** Removes the gateways of these sites, before the machines behind them. One whose machine was made for it goes with that. */
export async function removeGateways(session: Session, sites: readonly TopologySite[]): Promise<void> {
  await settle(
    sites.map(async (site) => {
      const { name, config } = site;
      const { gateway } = config;
      if (!gateway) return;
      if (!gateway.machine) {
        await session.steps.run({ kind: "gateway", site: name, title: `removing ${gateway.name}` }, () =>
          callGateway(session, site, gateway, (one, context) => one.remove(context)),
        );
        await forgetOwnMachine(session, name, gateway);
      }
      await forgetAddress(session, name);
    }),
    session.signal,
  );
}

function warnOfAddress(
  session: Session,
  site: string,
  error: MulticloudError,
  kept: string | undefined,
): void {
  const instead = kept === undefined ? "the site is no entry until it does" : `taken to be ${kept} as before`;
  session.emit({
    type: "warning",
    problem: {
      path: `sites.${site}.gateway`,
      message: `the gateway does not say its public address (${instead}): ${error.message}`,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    },
  });
}
