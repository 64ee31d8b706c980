import type { ServiceRequest } from "../world/http-service.js";
import { refuse } from "./envelope.js";
import type { Permission, Store, TokenOption, Zone } from "./store.js";

/** Who may do what. */
export interface Access {
  /** The token of a request; throws what the service says to a bad one. */
  token(request: Pick<ServiceRequest, "headers" | "path">): TokenOption;
  /** Zones that the token sees. */
  zones(request: ServiceRequest): readonly Zone[];
  /** The zone in the path, if the token has this right on it. */
  zone(request: ServiceRequest, permission: Permission): Zone;
}

const needed: readonly Permission[] = ["zone:read", "dns:read", "dns:edit"];

export function createAccess(store: Store): Access {
  const may = (token: TokenOption, permission: Permission) => {
    const has = token.permissions ?? needed;
    return has.includes(permission) || (permission === "dns:read" && has.includes("dns:edit"));
  };
  const sees = (token: TokenOption, zone: Zone) => token.zones?.includes(zone.name) ?? true;

  function token(request: Pick<ServiceRequest, "headers" | "path">): TokenOption {
    // A global API key beside the token: this account has none, so any is wrong.
    if (request.headers["x-auth-key"] !== undefined) {
      throw refuse(400, 9103, "Unknown X-Auth-Key or X-Auth-Email");
    }
    const header = request.headers.authorization;
    if (header === undefined) {
      throw refuse(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers");
    }
    const value = /^Bearer ([A-Za-z0-9_-]{20,})$/.exec(header)?.[1];
    if (value === undefined) {
      const chain = { code: 6111, message: "Invalid format for Authorization header" };
      throw refuse(400, 6003, "Invalid request headers", chain);
    }
    const found = store.tokens.find((known) => known.value === value);
    const verify = request.path.endsWith("/user/tokens/verify");
    if (found && (verify || (found.status ?? "active") === "active")) return found;
    if (verify) throw refuse(401, 1000, "Invalid API Token");
    if (/\/dns_records/.test(request.path)) throw refuse(403, 10000, "Authentication error");
    throw refuse(403, 9109, "Invalid access token");
  }

  return {
    token,
    zones(request) {
      const known = token(request);
      if (!may(known, "zone:read")) throw refuse(403, 9109, "Unauthorized to access requested resource");
      return store.zones.filter((zone) => sees(known, zone));
    },
    zone(request, permission) {
      const known = token(request);
      const zone = store.zones.find(({ id }) => id === request.params.zone);
      if (!zone) {
        throw refuse(
          404,
          7003,
          `Could not route to ${request.path.replace("/client/v4", "")}, perhaps your object identifier is invalid?`,
        );
      }
      if (!sees(known, zone) || !may(known, permission)) {
        if (permission === "zone:read") throw refuse(403, 9109, "Unauthorized to access requested resource");
        throw refuse(403, 10000, "Authentication error");
      }
      return zone;
    },
  };
}
