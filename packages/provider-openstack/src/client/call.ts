import type { Report } from "@multicloud/core/plugin";

/** What every call of the client takes. A `SiteContext` of the plugin contract fits as it is. */
export interface OpenStackCall {
  /** Ends the call at once; it rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Site and node that the call is for, carried by its errors. */
  readonly site?: string;
  readonly node?: string;
  /** Told of each finished request and each retry. */
  report?(report: Report): void;
}
