import type { Machine } from "../contracts/provider.js";
import { decide } from "../entrypoint/decide.js";
import { liveEntries, portOpens } from "../entrypoint/probe.js";
import type { EntrypointState } from "./entrypoint.js";
import type { Session } from "./session.js";

/** Port of the Kubernetes API on every master: RKE, RKE2 and k3s have the same. */
export const apiPort = 6443;

/** How long one master may take to answer. */
const probeMs = 5_000;

type Master = Pick<Machine, "role" | "publicAddress">;

/** Where the API is reached from outside: the public addresses of the masters, sorted. */
export function apiAddresses(nodes: readonly Master[]): readonly string[] {
  const addresses = nodes.flatMap(({ role, publicAddress }) =>
    role === "master" && publicAddress ? [publicAddress] : [],
  );
  return [...new Set(addresses)].sort();
}

/** Makes the API's name hold the public address of every master that answers. */
export async function pointApi(
  session: Session,
  nodes: readonly Master[],
  after?: string,
): Promise<EntrypointState | undefined> {
  const { api } = session.config;
  if (!api) return undefined;
  const addresses = apiAddresses(nodes);
  if (addresses.length === 0) {
    session.emit({
      type: "warning",
      problem: {
        path: "api",
        message: "no master has a public address, so no record was written for the API",
        hint: "put a master into a site with public addresses",
      },
    });
    return undefined;
  }
  return session.steps.run(
    { kind: "entrypoint", subject: api.record, title: `pointing ${api.record}`, after: after ? [after] : [] },
    async (step) => {
      const current = (await api.get(session.context()))?.addresses ?? [];
      const { record } = await api.set(session.context(), await choose(session, current, addresses));
      step.result(`${record.name} → ${record.addresses.join(", ")}`);
      return { record: record.name, addresses: record.addresses };
    },
  );
}

/** Takes masters that are about to go out of the API's name, while they still answer. */
export async function leaveApi(
  session: Session,
  leaving: readonly Machine[],
  remaining: readonly Master[],
): Promise<void> {
  const { api } = session.config;
  if (!api) return;
  const left = apiAddresses(leaving);
  if (left.length === 0 || apiAddresses(remaining).length === 0) return;
  const current = (await api.get(session.context()))?.addresses ?? [];
  if (current.some((address) => left.includes(address))) await pointApi(session, remaining);
}

async function choose(
  session: Session,
  current: readonly string[],
  entries: readonly string[],
): Promise<readonly string[]> {
  const asked = entries.map((address) => ({ address }));
  const alive = await liveEntries(asked, (host) =>
    portOpens(session.dialer, { host, port: apiPort }, session.signal, probeMs),
  );
  // Without any that answers the operator may be behind a firewall: the masters are Ready, so they serve it.
  const up = alive.length > 0 ? alive.map(({ address }) => address) : entries;
  const { addresses } = decide({
    policy: "all-healthy",
    current: current.filter((address) => entries.includes(address)),
    entries,
    opinions: [
      {
        observer: "operator",
        sees: Object.fromEntries(
          entries.map((address) => [address, up.includes(address) ? ("up" as const) : ("down" as const)]),
        ),
      },
    ],
  });
  return addresses.length > 0 ? addresses : entries;
}
