import { jumpsOf } from "../config/validate.js";
import type { Machine } from "../contracts/provider.js";
import type { Session } from "../orchestrate/session.js";
import { addressOf } from "./address-of.js";
import type { Connections } from "./connect.js";
import { trustKnownKeys } from "./rotate.js";

/** A machine with the site that it is in. */
export type PlacedMachine = Machine & { readonly site: string };

/** Connects to a machine that exists and runs, whether the configuration still names it or not. */
export async function connectMachine(
  session: Session,
  connections: Connections,
  machine: PlacedMachine,
  { deadlineMs = session.timing.sshMs, signal = session.signal } = {},
) {
  const { name, site, sshPort: port = 22 } = machine;
  const jump = machine.jump ?? jumpsOf(session.sites.find((one) => one.name === site)!.config);
  const address = addressOf(session, machine, machine)!;
  if (machine.hostKeys) await trustKnownKeys(session, name, machine.hostKeys);
  const host = await connections.connect({ name, site, jump }, address, {
    port,
    signal,
    deadlineMs,
    firstBoot: false,
  });
  return { host, address, port, jump };
}
