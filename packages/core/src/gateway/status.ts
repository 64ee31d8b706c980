import type { Gateway, GatewayState } from "../contracts/gateway.js";
import type { Machine } from "../contracts/provider.js";
import type { MulticloudError } from "../errors/multicloud-error.js";
import { type Session, withDeadline } from "../orchestrate/session.js";
import { toMulticloudError } from "../run/run.js";
import { gatewayName, type TopologySite } from "../topology/topology.js";
import { gatewayAddress, patienceMs } from "./address.js";
import { callGateway, type KnownMachine } from "./call.js";

/** A site's gateway as it is, for showing. */
export interface GatewayStatus {
  readonly site: string;
  /** Name of the plugin, for example `haproxy`. */
  readonly gateway: string;
  /** The machine that was made for it, when it wants one. `unknown`: its cloud did not answer. */
  readonly machine?: { readonly name: string; readonly status: Machine["status"] | "missing" | "unknown" };
  /** Address under which the internet reaches it, as it was told last. */
  readonly publicAddress?: string;
  /** `none` before `up()` has made it. */
  readonly state: "runs" | "none" | "unknown";
  /** Nodes that it passes connections to. */
  readonly backends?: GatewayState["backends"];
  /** Why it said nothing. */
  readonly error?: MulticloudError;
}

/** The machines of a site; `undefined` when its cloud did not tell. */
export type MachinesOfSite = (site: string) => Promise<readonly Machine[] | undefined>;

/** Asks all gateways what they do. Reads only; one that does not answer is an answer too. */
export function askGateways(session: Session, machines: MachinesOfSite): Promise<readonly GatewayStatus[]> {
  return Promise.all(
    session.sites.flatMap((site) => {
      const { gateway } = site.config;
      return gateway ? [askGateway(session, site, gateway, machines)] : [];
    }),
  );
}

async function askGateway(
  session: Session,
  site: TopologySite,
  gateway: Gateway,
  machines: MachinesOfSite,
): Promise<GatewayStatus> {
  const { known, ...made } = gateway.machine ? await madeMachine(session, site, machines) : {};
  const base = { site: site.name, gateway: gateway.name, ...made };
  // One that is still being made runs nothing, and can tell nothing.
  const isMissing =
    made.machine !== undefined && ["missing", "creating", "failed"].includes(made.machine.status);
  if (isMissing) return { ...base, state: "none" };
  const [{ address, error }, found] = await Promise.all([
    gatewayAddress(session, site, known),
    withDeadline(session.signal, patienceMs, `the gateway of ${site.name}`, async (signal) => ({
      state: await callGateway(session, site, gateway, async (one, context) => one.find?.(context), {
        signal,
        known,
      }),
    })).catch((thrown: unknown) => {
      session.signal.throwIfAborted();
      return { error: toMulticloudError(thrown) };
    }),
  ]);
  const said = "error" in found ? found.error : error;
  return {
    ...base,
    ...(address === undefined ? {} : { publicAddress: address }),
    ...("error" in found || !gateway.find
      ? { state: "unknown" }
      : found.state
        ? { state: "runs", backends: found.state.backends }
        : { state: "none" }),
    ...(said ? { error: said } : {}),
  };
}

async function madeMachine(
  session: Session,
  site: TopologySite,
  machines: MachinesOfSite,
): Promise<{ readonly known?: KnownMachine } & Pick<GatewayStatus, "machine">> {
  const name = gatewayName(session.config.name, site.name);
  const listed = await machines(site.name);
  const machine = listed?.find((one) => one.name === name);
  const status = machine?.status ?? (listed ? "missing" : "unknown");
  return { machine: { name, status }, ...(machine ? { known: { machine } } : {}) };
}
