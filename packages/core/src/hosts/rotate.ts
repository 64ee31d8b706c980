import type { SshHost } from "@multicloud/ssh";
import type { Session } from "../orchestrate/session.js";

/**
 * Ends the life of the one-time host key: the host makes fresh keys, which are read over the verified
 * channel and stored before the host starts to present them. A run that is cut off in between accepts both.
 */
export async function rotateHostKeys(
  session: Session,
  node: string,
  machine: string,
  host: SshHost,
): Promise<void> {
  const { prepareHostKeys, activateHostKeys } = await import("@multicloud/ssh");
  const { signal } = session;
  const record = await session.records.read(node);
  // A run that was cut off after it stored the pins has made the keys; making others would leave them unpinned.
  const pinned = record.pinned.length > 0 ? record.pinned : await prepareHostKeys(host, { signal });
  await session.records.write(node, { ...record, pinned, activated: false, machine });
  await activateHostKeys(host, { signal });
  await session.records.write(node, { ...record, oneTime: [], pinned, activated: true, machine });
}

/** Accepts exactly the keys that the provider knows of; nothing is rotated on a host that was there before. Writes only what is new. */
export async function trustKnownKeys(session: Session, node: string, keys: readonly string[]): Promise<void> {
  const record = await session.records.read(node);
  const known =
    record.activated && record.oneTime.length === 0 && record.pinned.join("\n") === keys.join("\n");
  if (!known) await session.records.write(node, { ...record, oneTime: [], pinned: keys, activated: true });
}
