import type { Gateway } from "../contracts/gateway.js";
import type { Session } from "../orchestrate/session.js";

const prefix = "gateways-on-own-machines/";

/** A gateway on a machine of the user's own. */
export interface OwnMachine {
  readonly site: string;
  /** As the plugin said; empty when it does not tell. */
  readonly at: string;
}

/**
 * Gateways on machines of the user's own, each from before the first change of its machine until it is removed: who
 * takes one out of the configuration has to be told that it goes on.
 */
export async function gatewaysOnOwnMachines(session: Session): Promise<readonly OwnMachine[]> {
  const sites = (await session.state.list(prefix)).map((key) => key.slice(prefix.length));
  const found = await Promise.all(
    sites.map(async (site) => (await placesOf(session, site)).map((at) => ({ site, at }))),
  );
  return found.flat();
}

/** Writes only what is new. */
export async function noteOwnMachine(session: Session, site: string, { at = "" }: Gateway): Promise<void> {
  const places = await placesOf(session, site);
  if (!places.includes(at)) await session.state.write(prefix + site, linesOf([...places, at]));
}

export async function forgetOwnMachine(
  session: Session,
  site: string,
  { at = "" }: Pick<Gateway, "at">,
): Promise<void> {
  const places = (await placesOf(session, site)).filter((place) => place !== at);
  if (places.length > 0) await session.state.write(prefix + site, linesOf(places));
  else await session.state.delete(prefix + site);
}

async function placesOf({ state }: Session, site: string): Promise<readonly string[]> {
  const kept = await state.read(prefix + site);
  // One a line, each ended by it: the empty one is a place too.
  return kept === undefined ? [] : Buffer.from(kept).toString("utf8").split("\n").slice(0, -1);
}

const linesOf = (places: readonly string[]) => places.map((place) => `${place}\n`).join("");
