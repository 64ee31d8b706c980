import type { ReadyNode } from "../orchestrate/node-pipeline.js";
import type { Session } from "../orchestrate/session.js";

/** Keeps the verified keys of all nodes, and of the gateways' machines that were reached, for tools that make their own connections. Writes only what is new. */
export async function writeKnownHosts(session: Session, nodes: readonly ReadyNode[]): Promise<void> {
  const { records, sites, state } = session;
  const lines: string[] = [];
  for (const node of nodes) lines.push(...linesOf(node, (await records.read(node.name)).pinned));
  for (const { gatewayMachine } of sites) {
    if (!gatewayMachine) continue;
    const { name } = gatewayMachine;
    const { address, port = 22, pinned } = await records.read(name);
    if (address !== undefined) lines.push(...linesOf({ name, address, port }, pinned));
  }
  const content = `${lines.sort().join("\n")}\n`;
  const kept = await state.read("known_hosts");
  if (kept === undefined || Buffer.from(kept).toString("utf8") !== content)
    await state.write("known_hosts", content);
}

function linesOf(
  { name, address, port }: Pick<ReadyNode, "name" | "address" | "port">,
  keys: readonly string[],
): string[] {
  // sshd(8): a port other than 22 goes with the address in brackets.
  const place = port === 22 ? address : `[${address}]:${port}`;
  return keys.map((key) => `${name},${place} ${key}`);
}
