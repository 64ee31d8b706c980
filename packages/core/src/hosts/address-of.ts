import type { Machine } from "../contracts/provider.js";
import type { Session } from "../orchestrate/session.js";

/** The address at which SSH reaches a machine: inside its site when it is behind NAT. */
export function addressOf(
  session: Session,
  node: { readonly site: string },
  machine: Machine,
): string | undefined {
  if (machine.status !== "running") return undefined;
  const { nat } = session.sites.find(({ name }) => name === node.site)!.config;
  return nat ? machine.privateAddress : (machine.publicAddress ?? machine.privateAddress);
}
