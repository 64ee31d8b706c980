import type { OpenStackCall } from "./call.js";
import { type Cinder, createCinder } from "./cinder.js";
import { createGlance, type Glance } from "./glance.js";
import { createNeutron, type Neutron } from "./neutron.js";
import { createNova, type Nova } from "./nova.js";
import { type Authorization, createSession, type SessionOptions } from "./session.js";
import type { CloudSettings } from "./settings.js";

/** One cloud, one project, one region. All services share one token. */
export interface OpenStackClient {
  readonly nova: Nova;
  readonly neutron: Neutron;
  readonly glance: Glance;
  readonly cinder: Cinder;
  /** Logs in if that is still to be done, and says as whom. Throws `AUTH_FAILED`, `CONFIG_INVALID` or `SERVICE_UNREACHABLE`. */
  authorize(call: OpenStackCall): Promise<Authorization>;
  /** Where the credentials come from and what else was read. Holds secrets: not for logs. */
  settings(): Promise<CloudSettings>;
}

/**
 * Makes a client. Nothing is read or asked before the first call; then `clouds.yaml`, `secure.yaml` and the
 * `OS_*` variables are read unless `auth` is given. The token is reused by all calls, renewed a minute before
 * it expires, and renewed once for all callers when a service refuses it.
 */
export function createOpenStackClient(options: SessionOptions = {}): OpenStackClient {
  const session = createSession(options);
  return {
    nova: createNova(session, options),
    neutron: createNeutron(session, options),
    glance: createGlance(session, options),
    cinder: createCinder(session, options),
    authorize: session.authorize,
    settings: session.settings,
  };
}
