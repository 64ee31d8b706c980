import { MulticloudError } from "@multicloud/core/plugin";

/**
 * Credentials for Keystone v3 (Identity API, `POST /v3/auth/tokens`). One of three kinds, told apart by what
 * is given: an application credential (`applicationCredentialSecret`), a password, or a token. The names
 * are those of `clouds.yaml` in camel case.
 */
export interface OpenStackAuth {
  /** Where Keystone answers, with or without `/v3`. */
  readonly authUrl: string;
  readonly username?: string;
  readonly userId?: string;
  readonly userDomainName?: string;
  readonly userDomainId?: string;
  readonly password?: string;
  readonly projectName?: string;
  readonly projectId?: string;
  readonly projectDomainName?: string;
  readonly projectDomainId?: string;
  /** Either the id, or the name together with its user. */
  readonly applicationCredentialId?: string;
  readonly applicationCredentialName?: string;
  readonly applicationCredentialSecret?: string;
  /** A token that exists already. It cannot be renewed beyond its own expiry. */
  readonly token?: string;
}

/** The values that no error or report may show. */
export function secretsOf(auth: OpenStackAuth): readonly string[] {
  return [auth.password, auth.applicationCredentialSecret, auth.token].filter(
    (value): value is string => value !== undefined,
  );
}

/** The body of `POST /v3/auth/tokens` for these credentials. Throws `CONFIG_INVALID` that names what is missing. */
export function authRequest(auth: OpenStackAuth, source: string): unknown {
  if (auth.applicationCredentialSecret !== undefined) {
    const named = auth.applicationCredentialId === undefined;
    if (named && !auth.applicationCredentialName) {
      throw missing(source, ["application_credential_id"]);
    }
    return {
      auth: {
        identity: {
          methods: ["application_credential"],
          application_credential: {
            ...(named
              ? { name: auth.applicationCredentialName, user: userOf(auth, source) }
              : { id: auth.applicationCredentialId }),
            secret: auth.applicationCredentialSecret,
          },
        },
      },
    };
  }
  if (auth.password !== undefined) {
    return {
      auth: {
        identity: {
          methods: ["password"],
          password: { user: { ...userOf(auth, source), password: auth.password } },
        },
        scope: scopeOf(auth, source),
      },
    };
  }
  if (auth.token !== undefined) {
    return {
      auth: {
        identity: { methods: ["token"], token: { id: auth.token } },
        scope: scopeOf(auth, source),
      },
    };
  }
  throw missing(source, ["password", "application_credential_secret"], "one of ");
}

function userOf(auth: OpenStackAuth, source: string): Record<string, unknown> {
  if (auth.userId) return { id: auth.userId };
  if (!auth.username) throw missing(source, ["username"]);
  return { name: auth.username, domain: domainOf(auth.userDomainId, auth.userDomainName) };
}

function scopeOf(auth: OpenStackAuth, source: string): unknown {
  if (auth.projectId) return { project: { id: auth.projectId } };
  if (!auth.projectName) throw missing(source, ["project_name"]);
  const domain = domainOf(
    auth.projectDomainId ?? auth.userDomainId,
    auth.projectDomainName ?? auth.userDomainName,
  );
  return { project: { name: auth.projectName, domain } };
}

function domainOf(id: string | undefined, name: string | undefined): unknown {
  if (id) return { id };
  return name ? { name } : { id: "default" };
}

function missing(source: string, names: readonly string[], prefix = ""): MulticloudError {
  return new MulticloudError(`the credentials of ${source} lack ${prefix}${names.join(", ")}`, {
    code: "CONFIG_INVALID",
    service: "keystone",
    hint: "give a password with username and project_name, or application_credential_id with application_credential_secret",
  });
}
