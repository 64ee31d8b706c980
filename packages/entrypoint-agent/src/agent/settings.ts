import type { EntrypointPolicy } from "@multicloud/core/plugin";

/** How an entry address is asked whether it works. */
export type ProbeSettings =
  | {
      /** A TLS greeting is answered, if only by refusing it. A proxy with nobody behind it takes connections and closes them. */
      readonly kind: "tls";
      /** Default 443. */
      readonly port?: number;
      /** Name for SNI. */
      readonly host: string;
    }
  | {
      /** A TCP connection can be opened: for what speaks no TLS, and stands behind no proxy. */
      readonly kind: "tcp";
      /** Default 443. */
      readonly port?: number;
    }
  | {
      /** An HTTP status below 500 comes back over TLS, whatever the certificate. */
      readonly kind: "https";
      /** Default 443. */
      readonly port?: number;
      /** Name for SNI and `Host`. */
      readonly host: string;
      /** Default `/`. */
      readonly path?: string;
    };

/** All times of the agent, in milliseconds. The defaults make the record right within 10 s of a loss. */
export interface AgentTiming {
  /** Between two probes of an address that works. Default 2,000, with a tenth of jitter. */
  readonly probeIntervalMs: number;
  /** One probe. Default 1,500: a connection whose first packet is lost still opens (TCP asks again after 1 s). */
  readonly probeTimeoutMs: number;
  /** A probe without an answer for this long is followed by the next at once. Default 500. */
  readonly suspectMs: number;
  /** Failed probes in a row before an address counts as dead. Default 3. */
  readonly failures: number;
  /** A dead address returns after it was good for this long. Default 30,000. */
  readonly returnMs: number;
  /** Age at which the leader's lease may be taken, as seen by the one who takes it. Default 5,000. */
  readonly leaseMs: number;
  /** The leader stops writing when its lease was not renewed for this long, counted from before the renewal. Default 3,500. */
  readonly renewDeadlineMs: number;
  /** Between two renewals. Default 1,250. */
  readonly renewMs: number;
  /** Between two looks at all leases. Default 1,000. */
  readonly lookMs: number;
  /** One call to the API server. Default 2,000. */
  readonly callTimeoutMs: number;
  /** Between two signs of life of an agent while all is well. Default 10,000. */
  readonly calmMs: number;
  /** The same while something looks wrong. Default 1,000. */
  readonly alertMs: number;
  /** The leader reads the record this often to see whether somebody else changed it. Default 60,000. */
  readonly rereadMs: number;
  /** One DNS write or read. Default 15,000. */
  readonly dnsTimeoutMs: number;
  /** Longest pause between two tries of a write. Default 30,000. */
  readonly backoffMs: number;
  /** An address of the record that no agent claims leaves after this long. Default 300,000. */
  readonly unclaimedMs: number;
  /** Between two looks for the node's own public address. Default 60,000. */
  readonly addressMs: number;
}

/** What the agent's `settings.json` holds. */
export interface AgentSettings {
  /** Name of the cluster, for the mark of the record. */
  readonly cluster: string;
  /** Name of all Kubernetes objects of this agent. */
  readonly name: string;
  readonly namespace: string;
  /** The record's name, for people. */
  readonly record: string;
  readonly policy: EntrypointPolicy;
  /** Milliseconds that an address of a preferred site has to work before the record goes back to it. Default: never. */
  readonly failbackMs?: number;
  /** Sites, most preferred first; others follow by name. */
  readonly prefer: readonly string[];
  readonly probe: ProbeSettings;
  /** Addresses of sites whose nodes cannot find theirs out. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** Further ways into sites, which their nodes cannot find out: of gateways and routers. Default: none. */
  readonly entries?: Readonly<Record<string, readonly string[]>>;
  /** URLs that answer with the caller's address. */
  readonly addressSources: readonly string[];
  readonly timing: Partial<AgentTiming>;
  /** For the DNS module. */
  readonly dns: Readonly<Record<string, unknown>>;
  /** Port of `/healthz` and `/metrics`. */
  readonly statusPort: number;
}

export const defaultTiming: AgentTiming = {
  probeIntervalMs: 2_000,
  probeTimeoutMs: 1_500,
  suspectMs: 500,
  failures: 3,
  returnMs: 30_000,
  leaseMs: 5_000,
  renewDeadlineMs: 3_500,
  renewMs: 1_250,
  lookMs: 1_000,
  callTimeoutMs: 2_000,
  calmMs: 10_000,
  alertMs: 1_000,
  rereadMs: 60_000,
  dnsTimeoutMs: 15_000,
  backoffMs: 30_000,
  unclaimedMs: 300_000,
  addressMs: 60_000,
};
