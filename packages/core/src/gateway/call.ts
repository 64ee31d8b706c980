import type { Gateway, GatewayContext, GatewayMachine } from "../contracts/gateway.js";
import type { Machine } from "../contracts/provider.js";
import type { RemoteHost } from "../contracts/remote-host.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { addressOf } from "../hosts/address-of.js";
import { type Connections, openConnections } from "../hosts/connect.js";
import { connectMachine } from "../hosts/connect-machine.js";
import type { Session } from "../orchestrate/session.js";
import { gatewayName, type TopologySite } from "../topology/topology.js";

/** What a caller knows already, so that it need not be asked again. */
export interface KnownMachine {
  readonly machine: Machine;
  /** An open connection to it, which stays open. */
  readonly host?: RemoteHost;
}

/** Options of one call. */
export interface GatewayCall {
  /** Default: the session's. */
  readonly signal?: AbortSignal;
  /** The gateway's machine. Default: the cloud is asked when the gateway wants to know. */
  readonly known?: KnownMachine | undefined;
}

/** How long a machine may take to answer: less than what is given to a gateway, so that the reason is told. */
const connectMs = 10_000;

/** Calls a site's gateway, with the machine that was made for it if it wants one; what the call opened is closed after it. */
export async function callGateway<T>(
  session: Session,
  { name: site }: Pick<TopologySite, "name">,
  gateway: Gateway,
  work: (gateway: Gateway, context: GatewayContext) => Promise<T>,
  { signal = session.signal, known }: GatewayCall = {},
): Promise<T> {
  const context = session.siteContext(site, signal);
  if (!gateway.machine) return work(gateway, context);
  const name = gatewayName(session.config.name, site);
  let connections: Connections | undefined;
  let asked: Promise<Machine> | undefined;
  let host: Promise<RemoteHost> | undefined;
  const find = async () => {
    asked ??= known ? Promise.resolve(known.machine) : findMachine(session, site, name, signal);
    return asked;
  };
  const machine: GatewayMachine = {
    name,
    publicAddress: async () => (await find()).publicAddress,
    async connect() {
      host ??= known?.host ? Promise.resolve(known.host) : connect();
      return host;
    },
  };

  async function connect(): Promise<RemoteHost> {
    const found = await find();
    if (addressOf(session, { site }, found) === undefined)
      throw unreachable(site, name, found.status === "running" ? "has no address yet" : `is ${found.status}`);
    connections ??= openConnections(session);
    const deadlineMs = Math.min(connectMs, session.timing.sshMs);
    return (await connectMachine(session, connections, { ...found, site }, { deadlineMs, signal })).host;
  }

  try {
    return await work(gateway, { ...context, machine });
  } finally {
    // One that is still being connected would stay open.
    await host?.catch(() => {});
    await connections?.close();
  }
}

async function findMachine(
  session: Session,
  site: string,
  name: string,
  signal: AbortSignal,
): Promise<Machine> {
  const { provider } = session.sites.find((one) => one.name === site)!.config;
  const machines = await provider.list(session.siteContext(site, signal));
  const found = machines.find((machine) => machine.name === name && machine.status !== "deleting");
  if (!found) throw unreachable(site, name, "does not exist");
  return found;
}

function unreachable(site: string, node: string, why: string): MulticloudError {
  return new MulticloudError(`the gateway's machine ${node} ${why}`, {
    code: "HOST_UNREACHABLE",
    site,
    node,
    hint: "up() makes it; one that is switched off has to be switched on in its cloud",
  });
}
