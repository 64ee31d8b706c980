import type { GatewayState } from "../contracts/gateway.js";
import type { MulticloudError } from "../errors/multicloud-error.js";
import { toMulticloudError } from "../run/run.js";
import type { TopologySite } from "../topology/topology.js";
import type { ReadyNode } from "./node-pipeline.js";
import { type Session, withDeadline } from "./session.js";
import { settle } from "./settle.js";

/** A site's gateway as it is, for showing. */
export interface GatewayStatus {
  readonly site: string;
  /** Name of the plugin, for example `haproxy`. */
  readonly gateway: string;
  /** Address under which the internet reaches it, as it was told last. */
  readonly publicAddress?: string;
  /** `none` before `up()` has made it. */
  readonly state: "runs" | "none" | "unknown";
  /** Nodes that it passes connections to. */
  readonly backends?: GatewayState["backends"];
  /** Why it said nothing. */
  readonly error?: MulticloudError;
}

/** How long a gateway may take to answer before it counts as silent. */
const patienceMs = 15_000;

const stateKey = (site: string) => `gateways/${site}`;

/** Lets the gateways of these sites pass connections to exactly the given nodes: before a node goes, and after one came. */
export async function ensureGateways(
  session: Session,
  nodes: readonly ReadyNode[],
  sites: readonly TopologySite[] = session.sites,
): Promise<void> {
  await settle(
    sites.map(async (site) => {
      const { name, config, nodes: wanted } = site;
      const { gateway } = config;
      if (!gateway || wanted.length === 0) return;
      const own = nodes.filter((node) => node.site === name);
      const workers = own.filter(({ role }) => role === "worker").length;
      await session.steps.run(
        {
          kind: "gateway",
          site: name,
          title: `${gateway.name}: in front of ${workers === 1 ? "1 worker" : `${workers} workers`}`,
          after: own.map(({ lastStep }) => lastStep),
        },
        async (step) => {
          const { changed } = await gateway.ensure(session.siteContext(name), own);
          step.progress(changed ? "changed" : "nothing to change");
          const { address, error } = await gatewayAddress(session, site);
          if (error) warnOfAddress(session, name, error, address);
          else if (address !== undefined) await rememberAddress(session, name, address);
          step.result(`${address ?? "address unknown"}, ${changed ? "changed" : "nothing to change"}`);
        },
      );
    }),
    session.signal,
  );
}

/** Removes the gateways of these sites, before the machines behind them. */
export async function removeGateways(session: Session, sites: readonly TopologySite[]): Promise<void> {
  await settle(
    sites.map(async ({ name, config: { gateway } }) => {
      if (!gateway) return;
      await session.steps.run(
        { kind: "gateway", site: name, title: `removing ${gateway.name}` },
        async () => {
          await gateway.remove(session.siteContext(name));
          await session.state.delete(stateKey(name));
        },
      );
    }),
    session.signal,
  );
}

/**
 * The public address of a site's gateway. One that does not say it now is taken to have the one that `up()` saw
 * last: an address is needed most when the site is gone.
 */
export async function gatewayAddress(
  session: Session,
  { name, config: { gateway } }: TopologySite,
): Promise<{ readonly address?: string; readonly error?: MulticloudError }> {
  if (!gateway) return {};
  try {
    const address = await withDeadline(session.signal, patienceMs, `the gateway of ${name}`, (signal) =>
      gateway.publicAddress(session.siteContext(name, signal)),
    );
    return { address };
  } catch (thrown) {
    session.signal.throwIfAborted();
    const kept = await session.state.read(stateKey(name));
    const error = toMulticloudError(thrown);
    return kept === undefined ? { error } : { address: Buffer.from(kept).toString("utf8"), error };
  }
}

/** Keeps the address for a time when nobody can say it. Writes only what is new. */
async function rememberAddress(session: Session, site: string, address: string): Promise<void> {
  const kept = await session.state.read(stateKey(site));
  if (kept === undefined || Buffer.from(kept).toString("utf8") !== address)
    await session.state.write(stateKey(site), address);
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

/** Asks all gateways what they do. Reads only; one that does not answer is an answer too. */
export function askGateways(session: Session): Promise<readonly GatewayStatus[]> {
  return Promise.all(
    session.sites.flatMap((site) => {
      const { gateway } = site.config;
      return gateway ? [askGateway(session, site, gateway)] : [];
    }),
  );
}

async function askGateway(
  session: Session,
  site: TopologySite,
  gateway: NonNullable<TopologySite["config"]["gateway"]>,
): Promise<GatewayStatus> {
  const base = { site: site.name, gateway: gateway.name };
  const [{ address, error }, found] = await Promise.all([
    gatewayAddress(session, site),
    withDeadline(session.signal, patienceMs, `the gateway of ${site.name}`, async (signal) => ({
      state: await gateway.find?.(session.siteContext(site.name, signal)),
    })).catch((thrown: unknown) => {
      session.signal.throwIfAborted();
      return { error: toMulticloudError(thrown) };
    }),
  ]);
  const said = "error" in found ? found.error : error;
  return {
    ...base,
    ...(address === undefined ? {} : { publicAddress: address }),
    ...("error" in found || !gateway.find
      ? { state: "unknown" }
      : found.state
        ? { state: "runs", backends: found.state.backends }
        : { state: "none" }),
    ...(said ? { error: said } : {}),
  };
}
