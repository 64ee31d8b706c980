import type { OpenStackClient } from "./client/index.js";
import type { KnownServers } from "./known-servers.js";
import type { Lookup } from "./lookup.js";
import type { OpenStackOptions } from "./options.js";

/** What the parts of the provider work with. */
export interface Cloud {
  readonly client: OpenStackClient;
  readonly lookup: Lookup;
  readonly servers: KnownServers;
  readonly options: OpenStackOptions;
}
