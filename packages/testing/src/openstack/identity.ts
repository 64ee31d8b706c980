import type { ServiceRequest } from "../world/http-service.js";
import { keystoneBody, refusal, requestId } from "./answers.js";
import type { Token, User } from "./records.js";
import { type CloudState, newKeystoneId } from "./state.js";

/** Who is calling. */
export type Caller = User;

/**
 * Makes a token. Real ones (Fernet) are long and not to be guessed; this has their look.
 *
 * @param from a token that is changed into this one: it lives no longer than that
 */
export function issueToken(
  state: CloudState,
  user: User,
  from?: Token,
): { readonly id: string; readonly token: Token } {
  const id = `gAAAAAB${newKeystoneId()}${newKeystoneId()}${newKeystoneId()}`;
  const issuedAt = state.world.clock.now();
  const token = { user, issuedAt, expiresAt: from?.expiresAt ?? issuedAt + state.tokenLifeMs };
  state.tokens.set(id, token);
  return { id, token };
}

/** The caller by the request's token; `undefined` when there is none, or an unknown or expired one. */
export function callerOf(state: CloudState, request: Pick<ServiceRequest, "headers">): Caller | undefined {
  const header = request.headers["x-auth-token"];
  const token = typeof header === "string" ? state.tokens.get(header) : undefined;
  return token && token.expiresAt > state.world.clock.now() ? token.user : undefined;
}

/** The caller, or the refusal that Keystone's middleware gives in front of Nova, Neutron and Cinder. */
export function demandCaller(
  state: CloudState,
  request: Pick<ServiceRequest, "headers">,
  authUrl: string,
): Caller {
  const caller = callerOf(state, request);
  if (caller) return caller;
  throw refusal(401, keystoneBody(401, "The request you have made requires authentication."), {
    ...requestId(),
    "www-authenticate": `Keystone uri="${authUrl}"`,
  });
}
