import type { Machine } from "../contracts/provider.js";
import { type EntryAddress, entryAddresses } from "../entrypoint/candidates.js";
import { decide } from "../entrypoint/decide.js";
import { entryProbe, liveEntries } from "../entrypoint/probe.js";
import { gatewayAddress, rememberedAddress } from "../gateway/address.js";
import type { PlacedMachine } from "../hosts/connect-machine.js";
import { leaveApi } from "./api-record.js";
import type { ReadyNode } from "./node-pipeline.js";
import type { Session } from "./session.js";

/** The name of the cluster's applications and the address that it holds. */
export interface EntrypointState {
  readonly record: string;
  readonly addresses: readonly string[];
}

/** How long one entry address may take to answer. */
const probeMs = 5_000;

/** Points the record at a live entry: at the one it has if that is alive (a working record is not moved), otherwise at the first alive in the order of the sites. */
export async function pointEntrypoint(
  session: Session,
  machines: ReadonlyMap<string, readonly Machine[]>,
  after?: string,
): Promise<EntrypointState | undefined> {
  const { entrypoint } = session.config;
  if (!entrypoint) return undefined;
  return session.steps.run(
    { kind: "entrypoint", title: `pointing ${entrypoint.record}`, after: after ? [after] : [] },
    async (step) => {
      const entries = await entryAddresses(session, machines);
      if (entries.length === 0) {
        session.emit({
          type: "warning",
          problem: {
            path: "entrypoint",
            message: "no site has an address to enter by, so no record was written",
            hint: "give a site public addresses, or a site behind NAT its nat.publicAddress",
          },
        });
        return undefined;
      }
      const current = await entrypoint.get(session.context());
      const alive = await liveEntries(entries, await entryProbe(session, probeMs));
      const chosen = choose(current?.addresses ?? [], entries, alive);
      if (!alive.some(({ address }) => chosen.includes(address))) {
        session.emit({
          type: "warning",
          problem: {
            path: "entrypoint",
            message: `no entry answers a TLS greeting on port 443; ${entrypoint.record} was pointed at ${chosen.join(", ")} all the same`,
            hint: "does an ingress controller run on the workers, and does the firewall let 443 in?",
          },
        });
      }
      const { record } = await entrypoint.set(session.context(), chosen);
      step.result(`${record.name} → ${record.addresses.join(", ")}`);
      return { record: record.name, addresses: record.addresses };
    },
  );
}

/** Moves the records, the applications' and the API's, off machines that are about to go, while they still answer and when others do too. */
export async function leaveEntrypoint(
  session: Session,
  leaving: readonly PlacedMachine[],
  remaining: readonly ReadyNode[],
): Promise<void> {
  const { entrypoint } = session.config;
  await leaveApi(session, leaving, remaining);
  if (!entrypoint || leaving.length === 0) return;
  const current = (await entrypoint.get(session.context()))?.addresses ?? [];
  // The gateway of a site that is being emptied goes with its machines.
  const emptied = session.sites.filter(({ config, nodes }) => config.gateway && nodes.length === 0);
  const gateways = await Promise.all(emptied.map((site) => gatewayAddress(session, site)));
  // One that left the configuration can only be known from before.
  const without = leaving.filter(({ role }) => role === "gateway").map(({ site }) => site);
  const left = [
    ...leaving.map(({ publicAddress }) => publicAddress),
    ...gateways.map(({ address }) => address),
    ...(await Promise.all(without.map((site) => rememberedAddress(session, site)))),
  ];
  if (current.some((address) => left.includes(address))) await moveOn(session, machinesBySite(remaining));
}

/**
 * Moves the record to another site, if one is alive, before this one's gateway is made anew.
 *
 * @param later sites that are left next: turned to only when there is no other
 */
export async function leaveGateway(
  session: Session,
  name: string,
  later: readonly string[],
  nodes: readonly ReadyNode[],
): Promise<void> {
  const { config, sites } = session;
  if (!config.entrypoint) return;
  const current = (await config.entrypoint.get(session.context()))?.addresses ?? [];
  const { address } = await gatewayAddress(session, sites.find((site) => site.name === name)!);
  if (address === undefined || !current.includes(address)) return;
  const others = sites.filter((site) => site.name !== name);
  const lasting = others.filter((site) => !later.includes(site.name));
  const machines = machinesBySite(nodes);
  if (!(await moveOn({ ...session, sites: lasting }, machines)))
    await moveOn({ ...session, sites: others }, machines);
}

/** Moves the record, if one of these entries is alive: what works is better than what may work later. */
async function moveOn(session: Session, machines: ReadonlyMap<string, readonly Machine[]>): Promise<boolean> {
  const entries = await entryAddresses(session, machines);
  const alive = await liveEntries(entries, await entryProbe(session, probeMs));
  if (alive.length > 0) await pointEntrypoint(session, machines);
  return alive.length > 0;
}

/** The machines of nodes, by site. */
export function machinesBySite(nodes: readonly ReadyNode[]): ReadonlyMap<string, readonly Machine[]> {
  const machines = new Map<string, Machine[]>();
  for (const { site, machine } of nodes) machines.set(site, [...(machines.get(site) ?? []), machine]);
  return machines;
}

/**
 * The same decision as the agents' in the cluster make, by one observer. What the record holds and works is
 * not moved; without anything that works it is what it has, or the first entry.
 */
export function choose(
  current: readonly string[],
  entries: readonly EntryAddress[],
  alive: readonly EntryAddress[],
): readonly string[] {
  const addresses = entries.map(({ address }) => address);
  const works = (address: string) => alive.some((entry) => entry.address === address);
  if (current.length > 0 && current.every(works)) return current;
  const v6 = current.filter((address) => address.includes(":")).length;
  const decision = decide({
    // Several of one family are the agents' doing: only what is dead leaves.
    policy: v6 > 1 || current.length - v6 > 1 ? "all-healthy" : "active",
    current: current.filter((address) => addresses.includes(address)),
    entries: addresses,
    opinions: [
      {
        observer: "operator",
        sees: Object.fromEntries(addresses.map((address) => [address, works(address) ? "up" : "down"])),
      },
    ],
  });
  return decision.addresses.length > 0 ? decision.addresses : addresses.slice(0, 1);
}
