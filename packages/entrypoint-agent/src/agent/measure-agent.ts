import type { Metrics } from "./metrics.js";
import type { Prober } from "./prober.js";

/** What is measured of an agent, besides what it counts while it works. */
export interface Measured {
  readonly leads: boolean;
  /** Agents that can be heard, with this one. */
  readonly voices: number;
  readonly prober: Pick<Prober, "counts" | "health">;
  readonly record: readonly string[];
  readonly sites: readonly { readonly site: string; readonly addresses: readonly string[] }[];
}

/** Brings the gauges up to date. */
export function measureAgent(metrics: Metrics, { leads, voices, prober, record, sites }: Measured): void {
  metrics.set("entrypoint_agent_leader", [[{}, leads ? 1 : 0]]);
  metrics.set("entrypoint_agents_heard", [[{}, voices]]);
  metrics.set("entrypoint_probes_total", [[{}, prober.counts.probes]]);
  metrics.set("entrypoint_probe_failures_total", [[{}, prober.counts.failures]]);
  metrics.set(
    "entrypoint_record_address",
    record.map((address) => [{ address }, 1] as const),
  );
  metrics.set(
    "entrypoint_address_up",
    sites.flatMap(({ site, addresses }) =>
      addresses.map((address) => {
        const status = prober.health(address)?.status;
        return [{ address, site }, status === "up" ? 1 : status === "down" ? 0 : 0.5] as const;
      }),
    ),
  );
}
