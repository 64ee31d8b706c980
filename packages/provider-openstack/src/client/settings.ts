import { MulticloudError, nearest } from "@multicloud/core/plugin";
import type { OpenStackAuth } from "./auth.js";
import { type CloudsSearch, readCloud } from "./clouds-yaml.js";
import type { TlsSettings } from "./tls-fetch.js";

/** Which of the catalog's endpoints are used. */
export type EndpointInterface = "public" | "internal" | "admin";

/** How to find and enter a cloud. */
export interface ConnectionOptions extends CloudsSearch {
  /**
   * Name in `clouds.yaml`, which is searched like every OpenStack tool does, with `secure.yaml` merged in.
   * Default: the environment's `OS_CLOUD`; without that its `OS_AUTH_URL`, `OS_USERNAME` and so on.
   */
  readonly cloud?: string;
  /** Credentials given directly; then neither files nor the environment are read. */
  readonly auth?: OpenStackAuth;
  /** Region of the catalog. Default: `region_name` of the cloud, or the catalog's only region. */
  readonly region?: string;
  /** Default: `interface` of the cloud, or `public`. */
  readonly interface?: EndpointInterface;
}

/** What a client works with once the options, files and environment are read. */
export interface CloudSettings {
  readonly auth: OpenStackAuth;
  readonly region: string | undefined;
  readonly interface: EndpointInterface;
  /** Where the credentials come from, for messages: `cloud "home" in /etc/openstack/clouds.yaml`. */
  readonly source: string;
  /** `<service type>_endpoint_override` of the cloud, by service type. */
  readonly endpointOverrides: Readonly<Record<string, string>>;
  /** Only when the cloud says anything about certificates. */
  readonly tls?: TlsSettings;
  /** What the user should know about the settings, as sentences. */
  readonly warnings: readonly string[];
}

/** Reads the settings. The environment and the home folder are looked at only when `auth` is not given. Throws `CONFIG_INVALID`. */
export async function readSettings(options: ConnectionOptions): Promise<CloudSettings> {
  if (options.auth) {
    return {
      auth: options.auth,
      region: options.region,
      interface: options.interface ?? "public",
      source: "the auth option",
      endpointOverrides: {},
      warnings: [],
    };
  }
  const env = options.env ?? process.env;
  const cloud = options.cloud ?? text(env.OS_CLOUD);
  if (cloud !== undefined) {
    const { file, entry } = await readCloud(cloud, options);
    return settingsOf(entry, options, `cloud "${cloud}" in ${file}`);
  }
  if (text(env.OS_AUTH_URL) !== undefined) {
    return settingsOf(fromEnvironment(env), options, "the OS_* variables");
  }
  throw new MulticloudError("no OpenStack cloud is given", {
    code: "CONFIG_INVALID",
    hint: "give `cloud` (a name in clouds.yaml) or `auth`, or set OS_CLOUD",
  });
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const auth: Record<string, unknown> = {};
  const entry: Record<string, unknown> = { auth };
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("OS_") || !value) continue;
    const key = name.slice(3).toLowerCase();
    if (["region_name", "interface", "cacert", "cert", "key", "auth_type", "verify"].includes(key))
      entry[key] = value;
    else auth[key] = value;
  }
  return entry;
}

function settingsOf(
  entry: Readonly<Record<string, unknown>>,
  options: ConnectionOptions,
  source: string,
): CloudSettings {
  const given = (entry.auth ?? {}) as Readonly<Record<string, unknown>>;
  const pick = (...names: string[]) => names.map((name) => text(given[name])).find((v) => v !== undefined);
  const authUrl = pick("auth_url");
  if (authUrl === undefined || !URL.canParse(authUrl)) {
    throw new MulticloudError(`${source} has no ${authUrl === undefined ? "auth_url" : "valid auth_url"}`, {
      code: "CONFIG_INVALID",
      hint: "auth.auth_url is where Keystone answers, for example https://cloud.example.com:5000/v3",
    });
  }
  const fallbackDomain = text(entry.default_domain) ?? pick("default_domain");
  const auth = {
    authUrl,
    username: pick("username", "user_name"),
    userId: pick("user_id"),
    userDomainName: pick("user_domain_name", "domain_name"),
    userDomainId: pick("user_domain_id", "domain_id") ?? fallbackDomain,
    password: secret(given.password),
    projectName: pick("project_name", "tenant_name"),
    projectId: pick("project_id", "tenant_id"),
    projectDomainName: pick("project_domain_name", "domain_name"),
    projectDomainId: pick("project_domain_id", "domain_id") ?? fallbackDomain,
    applicationCredentialId: pick("application_credential_id"),
    applicationCredentialName: pick("application_credential_name"),
    applicationCredentialSecret: secret(given.application_credential_secret),
    token: secret(given.token),
  };
  // An explicit domain name wins over the default domain, which is an id.
  if (auth.userDomainName) auth.userDomainId = pick("user_domain_id");
  if (auth.projectDomainName) auth.projectDomainId = pick("project_domain_id");
  return {
    auth: withoutUndefined({ ...auth, ...unusedOf(entry, source) }) as unknown as OpenStackAuth,
    region: options.region ?? regionOf(entry),
    interface: options.interface ?? interfaceOf(entry, source),
    source,
    endpointOverrides: overridesOf(entry),
    ...tlsOf(entry, source),
  };
}

/** The secrets that each `auth_type` leaves unused, should they be there. The names are keystoneauth's plugins. */
const authTypes: Readonly<Record<string, readonly ("applicationCredentialSecret" | "password" | "token")[]>> =
  {
    password: ["applicationCredentialSecret", "token"],
    v3password: ["applicationCredentialSecret", "token"],
    token: ["applicationCredentialSecret", "password"],
    v3token: ["applicationCredentialSecret", "password"],
    v3applicationcredential: ["password", "token"],
  };

function unusedOf(entry: Readonly<Record<string, unknown>>, source: string): Record<string, undefined> {
  const given = text(entry.auth_type);
  if (given === undefined) return {};
  const unused = authTypes[given];
  if (unused) return Object.fromEntries(unused.map((name) => [name, undefined]));
  const allowed = Object.keys(authTypes);
  const suggestion = nearest(given, allowed);
  throw new MulticloudError(
    `${source} has the auth_type "${given}", which is not known${suggestion ? `; did you mean "${suggestion}"?` : ""}`,
    { code: "CONFIG_INVALID", hint: `allowed are ${allowed.join(", ")}` },
  );
}

function regionOf(entry: Readonly<Record<string, unknown>>): string | undefined {
  const [first] = Array.isArray(entry.regions) ? entry.regions : [];
  return text(entry.region_name) ?? (typeof first === "object" ? text(first?.name) : text(first));
}

function interfaceOf(entry: Readonly<Record<string, unknown>>, source: string): EndpointInterface {
  const given = (text(entry.interface) ?? text(entry.endpoint_type) ?? "public").replace(/URL$/, "");
  if (given === "public" || given === "internal" || given === "admin") return given;
  throw new MulticloudError(`${source} has the unknown interface "${given}"`, {
    code: "CONFIG_INVALID",
    hint: "allowed are public, internal and admin",
  });
}

function overridesOf(entry: Readonly<Record<string, unknown>>): Record<string, string> {
  const overrides: Record<string, string> = {};
  for (const [key, value] of Object.entries(entry)) {
    const type = /^(.+)_endpoint_override$/.exec(key)?.[1];
    if (type && typeof value === "string") overrides[type.replaceAll("_", "-")] = value;
  }
  return overrides;
}

function tlsOf(
  entry: Readonly<Record<string, unknown>>,
  source: string,
): Pick<CloudSettings, "tls" | "warnings"> {
  const verify = !(entry.verify === false || /^(false|no|0)$/i.test(String(entry.verify ?? "")));
  const files: { cacert?: string; cert?: string; key?: string } = {};
  for (const name of ["cacert", "cert", "key"] as const) {
    const file = text(entry[name]);
    if (file !== undefined) files[name] = file;
  }
  if (verify && Object.keys(files).length === 0) return { warnings: [] };
  return {
    tls: { ...files, verify },
    warnings: verify
      ? []
      : [
          `${source} sets verify: false: whoever is between here and the cloud can read and change everything, passwords too; set cacert instead`,
        ],
  };
}

function text(value: unknown): string | undefined {
  const trimmed = typeof value === "number" ? String(value) : typeof value === "string" ? value.trim() : "";
  return trimmed === "" ? undefined : trimmed;
}

/** Passwords may begin or end in a space, and YAML reads `123456` as a number. */
function secret(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Partial<T>;
}
