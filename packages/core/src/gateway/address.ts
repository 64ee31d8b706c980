import { isDeepStrictEqual } from "node:util";
import type { Gateway } from "../contracts/gateway.js";
import type { MulticloudError } from "../errors/multicloud-error.js";
import { type Session, withDeadline } from "../orchestrate/session.js";
import { toMulticloudError } from "../run/run.js";
import type { TopologySite } from "../topology/topology.js";
import { callGateway, type KnownMachine } from "./call.js";

/** How long a gateway may take to answer before it counts as silent. */
export const patienceMs = 15_000;

const addressKey = (site: string) => `gateways/${site}`;

/**
 * The public address of a site's gateway. One that does not say it now is taken to have the one that `up()` saw
 * last: an address is needed most when the site is gone.
 */
export async function gatewayAddress(
  session: Session,
  site: Pick<TopologySite, "name" | "config">,
  known?: KnownMachine,
): Promise<{ readonly address?: string; readonly error?: MulticloudError }> {
  const { gateway } = site.config;
  if (!gateway) return {};
  try {
    const address = await withDeadline(session.signal, patienceMs, `the gateway of ${site.name}`, (signal) =>
      callGateway(session, site, gateway, (one, context) => one.publicAddress(context), { signal, known }),
    );
    return { address };
  } catch (thrown) {
    session.signal.throwIfAborted();
    const kept = await rememberedAddress(session, site.name);
    return { error: toMulticloudError(thrown), ...(kept === undefined ? {} : { address: kept }) };
  }
}

/** The address that `up()` saw last, whether the configuration still has the gateway or not. */
export const rememberedAddress = async (session: Session, site: string): Promise<string | undefined> =>
  (await remembered(session, site))?.[0];

/** Whether the gateway that was set up last is this one. */
export const isSetUp = async (session: Session, site: string, gateway: Gateway): Promise<boolean> =>
  (await remembered(session, site))?.[1] === identityOf(gateway);

const identityOf = ({ at = "", machine }: Gateway) => (machine ? "made for it" : at);

async function remembered({ state }: Session, site: string): Promise<readonly string[] | undefined> {
  const kept = await state.read(addressKey(site));
  return kept === undefined ? undefined : Buffer.from(kept).toString("utf8").split("\n");
}

/** Keeps the address for a time when nobody can say it. Writes only what is new. */
export async function rememberAddress(
  session: Session,
  site: string,
  gateway: Gateway,
  address: string,
): Promise<void> {
  const lines = [address, identityOf(gateway)];
  if (!isDeepStrictEqual(await remembered(session, site), lines))
    await session.state.write(addressKey(site), lines.join("\n"));
}

/** The gateway of the site is gone. */
export const forgetAddress = ({ state }: Session, site: string) => state.delete(addressKey(site));
