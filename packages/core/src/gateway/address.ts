import { isDeepStrictEqual } from "node:util";
import type { MulticloudError } from "../errors/multicloud-error.js";
import { type Session, withDeadline } from "../orchestrate/session.js";
import { toMulticloudError } from "../run/run.js";
import type { TopologySite } from "../topology/topology.js";
import { callGateway, type KnownMachine } from "./call.js";

/** How long a gateway may take to answer before it counts as silent. */
export const patienceMs = 15_000;

const stateKey = (site: string) => `gateways/${site}`;

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

/** What is kept of a gateway that `up()` has set up. */
interface Remembered {
  readonly address: string;
  /** Its machine was made for it, and goes with it. */
  readonly made: boolean;
}

/** The address that `up()` saw last, whether the configuration still has the gateway or not. */
export const rememberedAddress = async (session: Session, site: string): Promise<string | undefined> =>
  (await remembered(session, site))?.address;

async function remembered({ state }: Session, site: string): Promise<Remembered | undefined> {
  const kept = await state.read(stateKey(site));
  try {
    return kept === undefined ? undefined : (JSON.parse(Buffer.from(kept).toString("utf8")) as Remembered);
  } catch {
    // A damaged memory is none: the next up() has a new one.
    return undefined;
  }
}

/** Keeps the address for a time when nobody can say it. Writes only what is new. */
export async function rememberAddress(session: Session, site: string, what: Remembered): Promise<void> {
  if (!isDeepStrictEqual(await remembered(session, site), what))
    await session.state.write(stateKey(site), JSON.stringify(what));
}

/** The gateway of the site is gone. */
export const forgetAddress = (session: Session, site: string) => session.state.delete(stateKey(site));

/** Gateways that were set up on machines of the user's own and have not been removed since. */
export async function gatewaysOnOwnMachines(
  session: Session,
): Promise<readonly { readonly site: string; readonly address: string }[]> {
  const keys = await session.state.list(stateKey(""));
  const found = await Promise.all(
    keys.map(async (key) => {
      const site = key.slice(stateKey("").length);
      const kept = await remembered(session, site);
      return kept && !kept.made ? [{ site, address: kept.address }] : [];
    }),
  );
  return found.flat();
}
