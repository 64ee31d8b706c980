import type { Route, ServiceRequest } from "../world/http-service.js";
import { empty, keystoneBody, refusal, requestId } from "./answers.js";
import { anything, FieldError, list, object, text } from "./fields.js";
import { callerOf, issueToken } from "./identity.js";
import type { Token, User } from "./records.js";
import type { CloudState } from "./state.js";

/** Where the other services of the cloud are: the catalog, for one project. */
export type Catalog = (user: User) => readonly CatalogService[];

export interface CatalogService {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly endpoints: readonly {
    readonly id: string;
    readonly interface: string;
    readonly region: string;
    readonly region_id: string;
    readonly url: string;
  }[];
}

const domain = { id: "default", name: "Default" };
const optionalDomain = object({ id: text(), name: text() });
const userFields = { id: text(), name: text(), domain: optionalDomain, password: text() };

const tokenRequest = object(
  {
    auth: object(
      {
        identity: object(
          {
            methods: list(text()),
            password: object({ user: object(userFields) }, ["user"]),
            application_credential: object(
              { id: text(), name: text(), secret: text(), user: object(userFields) },
              ["secret"],
            ),
            token: object({ id: text() }, ["id"]),
          },
          ["methods"],
        ),
        scope: anything,
      },
      ["identity"],
    ),
  },
  ["auth"],
);

interface TokenRequest {
  readonly auth: {
    readonly identity: {
      readonly methods: readonly string[];
      readonly password?: { readonly user: NamedUser & { readonly password?: string } };
      readonly application_credential?: {
        readonly id?: string;
        readonly name?: string;
        readonly secret: string;
        readonly user?: NamedUser;
      };
      readonly token?: { readonly id: string };
    };
    readonly scope?: {
      readonly project?: {
        readonly id?: string;
        readonly name?: string;
        readonly domain?: { readonly id?: string; readonly name?: string };
      };
    };
  };
}

interface NamedUser {
  readonly id?: string;
  readonly name?: string;
  readonly domain?: { readonly id?: string; readonly name?: string };
}

/** Keystone v3, as far as logging in goes. */
export function keystoneRoutes(state: CloudState, prefix: string, catalog: Catalog): Route[] {
  const version = (request: ServiceRequest) => ({
    id: "v3.14",
    status: "stable",
    updated: "2020-04-07T00:00:00Z",
    links: [{ rel: "self", href: `${request.origin}${prefix}/v3/` }],
    "media-types": [{ base: "application/json", type: "application/vnd.openstack.identity-v3+json" }],
  });
  return [
    {
      method: "GET",
      path: `${prefix}/`,
      handle: (request) => ({ status: 300, body: { versions: { values: [version(request)] } } }),
    },
    {
      method: "GET",
      path: `${prefix}/v3`,
      handle: (request) => ({ status: 200, body: { version: version(request) } }),
    },
    {
      method: "POST",
      path: `${prefix}/v3/auth/tokens`,
      handle(request) {
        const user = authenticate(state, request);
        const { id, token } = issueToken(state, user, tokenOf(state, request));
        return {
          status: 201,
          headers: { "x-subject-token": id, vary: "X-Auth-Token" },
          body: {
            token: {
              methods: (request.body as TokenRequest).auth.identity.methods,
              user: { domain, id: user.id, name: user.name, password_expires_at: null },
              audit_ids: [id.slice(-22)],
              expires_at: microseconds(token.expiresAt),
              issued_at: microseconds(token.issuedAt),
              project: { domain, id: user.project.id, name: user.project.name },
              is_domain: false,
              roles: [{ id: "member", name: "member" }],
              catalog: catalog(user),
            },
          },
        };
      },
    },
    {
      method: "GET",
      path: `${prefix}/v3/auth/tokens`,
      handle(request) {
        if (!callerOf(state, request)) throw unauthorized();
        const subject = callerOf(state, {
          headers: { "x-auth-token": request.headers["x-subject-token"] as string },
        });
        if (!subject) throw refusal(404, keystoneBody(404, "Could not find token."));
        return { status: 200, body: { token: { user: { id: subject.id, name: subject.name } } } };
      },
    },
    {
      method: "DELETE",
      path: `${prefix}/v3/auth/tokens`,
      handle(request) {
        if (!callerOf(state, request)) throw unauthorized();
        const subject = String(request.headers["x-subject-token"] ?? "");
        if (!state.tokens.delete(subject)) throw refusal(404, keystoneBody(404, "Could not find token."));
        return empty(204);
      },
    },
  ];
}

function authenticate(state: CloudState, request: ServiceRequest): User {
  try {
    tokenRequest(request.body, undefined);
  } catch (error) {
    if (error instanceof FieldError) throw refusal(400, keystoneBody(400, error.sentence()));
    throw error;
  }
  const { identity, scope } = (request.body as TokenRequest).auth;
  const user = identify(state, identity);
  if (!user) throw unauthorized();
  if (identity.methods.includes("application_credential")) {
    // The credential is bound to its project; a scope beside it is a mistake that Keystone does not pass over.
    if (scope) {
      throw refusal(
        401,
        keystoneBody(401, "Application credentials cannot request a scope. (Disable insecure_debug mode)"),
      );
    }
    return user;
  }
  const project = scope?.project;
  const matches =
    project !== undefined &&
    (project.id === user.project.id || (project.name === user.project.name && inDefault(project.domain)));
  if (!matches) throw unauthorized();
  return user;
}

function identify(state: CloudState, identity: TokenRequest["auth"]["identity"]): User | undefined {
  const isNamed = (user: User, named: NamedUser | undefined) =>
    named !== undefined && (named.id === user.id || (named.name === user.name && inDefault(named.domain)));
  const [method] = identity.methods;
  if (method === "password") {
    const given = identity.password?.user;
    return state.users.find((user) => isNamed(user, given) && user.password === given?.password);
  }
  if (method === "application_credential") {
    const given = identity.application_credential;
    // By its id, or by its name and its user.
    return state.users.find(
      (user) =>
        given !== undefined &&
        user.credential?.secret === given.secret &&
        (given.id === undefined
          ? user.credential.name === given.name && isNamed(user, given.user)
          : user.credential.id === given.id),
    );
  }
  if (method === "token") {
    const id = identity.token?.id ?? "";
    const caller = callerOf(state, { headers: { "x-auth-token": id } });
    // Not 401: Keystone looks for the token as for any thing.
    if (!caller) throw refusal(404, keystoneBody(404, `Could not find token: ${id}.`));
    return caller;
  }
  return undefined;
}

/** The token that a login is made with. */
function tokenOf(state: CloudState, request: ServiceRequest): Token | undefined {
  const { methods, token } = (request.body as TokenRequest).auth.identity;
  return methods[0] === "token" && token ? state.tokens.get(token.id) : undefined;
}

function inDefault(given: { readonly id?: string; readonly name?: string } | undefined): boolean {
  return given !== undefined && (given.id === domain.id || given.name === domain.name);
}

function unauthorized() {
  return refusal(401, keystoneBody(401, "The request you have made requires authentication."), {
    ...requestId(),
    "www-authenticate": "Keystone uri",
  });
}

function microseconds(time: number): string {
  return new Date(time).toISOString().replace(/(\.\d{3})Z$/, "$1000Z");
}
