import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
// Single modules of the client rather than its index: that loads all 700 models of the API, half a second
// and megabytes for something we do not use (see the README). They are bundled, so no user sees the paths.
import { newUsers, type User } from "@kubernetes/client-node/dist/config_types.js";
import { ExecAuth } from "@kubernetes/client-node/dist/exec_auth.js";
import { FileAuth } from "@kubernetes/client-node/dist/file_auth.js";
import { OpenIDConnectAuth } from "@kubernetes/client-node/dist/oidc_auth.js";
import { invalidKubeconfig, type Kubeconfig, resolveContext } from "../kubeconfig/parse.js";

/** How to talk to one API server. */
export interface Endpoint {
  readonly url: URL;
  /** Whom the API server's certificate must name. */
  readonly serverName: string;
  readonly caPem: string | undefined;
  readonly verify: boolean;
  /** Asked before each connection and each request; what costs something is cached by the authenticator. */
  credentials(): Promise<Credentials>;
}

/** What proves who we are. */
export interface Credentials {
  readonly cert?: string;
  readonly key?: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Authenticator = {
  isAuthProvider(user: User): boolean;
  applyAuthentication(user: User, options: Applied): Promise<void>;
};
type Applied = { headers: Record<string, string>; cert?: string; key?: string };

/** Finds server and credentials of a context. Throws `CONFIG_INVALID` for what we cannot honour, rather than ignore it. */
export function resolveEndpoint(config: Kubeconfig, contextName?: string): Endpoint {
  const { context, cluster, user: rawUser } = resolveContext(config, contextName);
  const url = parseServer(cluster.server);
  if (cluster["proxy-url"]) throw invalidKubeconfig("proxy-url is not supported; pass a dialer instead");
  const user = newUsers([{ name: context.user || "none", user: rawUser }])[0]!;
  const authenticators = [
    new ExecAuth(),
    new FileAuth(),
    new OpenIDConnectAuth(),
  ] as unknown as Authenticator[];
  const authenticator = authenticators.find((candidate) => candidate.isAuthProvider(user));
  if (user.authProvider && !authenticator) {
    const name = (user.authProvider as { name?: string }).name ?? "without a name";
    throw invalidKubeconfig(`auth-provider ${name} is not supported; use an exec plugin`);
  }
  const cert = fromData(user.certData) ?? fromFile(user.certFile);
  const key = fromData(user.keyData) ?? fromFile(user.keyFile);

  return {
    url,
    serverName: cluster["tls-server-name"] ?? url.hostname.replace(/^\[|\]$/g, ""),
    caPem: fromData(cluster["certificate-authority-data"]) ?? fromFile(cluster["certificate-authority"]),
    verify: cluster["insecure-skip-tls-verify"] !== true,
    async credentials() {
      const applied: Applied = { headers: {} };
      if (cert) applied.cert = cert;
      if (key) applied.key = key;
      await authenticator?.applyAuthentication(user, applied);
      if (user.token) applied.headers.authorization = `Bearer ${user.token.trim()}`;
      else if (user.username) {
        const basic = Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64");
        applied.headers.authorization = `Basic ${basic}`;
      }
      if (user.impersonateUser) applied.headers["impersonate-user"] = user.impersonateUser;
      return applied;
    },
  };
}

function parseServer(server: string): URL {
  let url: URL;
  try {
    url = new URL(server);
  } catch {
    throw invalidKubeconfig(`server ${server} is not a URL`);
  }
  if (url.protocol !== "https:") throw invalidKubeconfig(`server ${server} is not https`);
  return url;
}

function fromData(data: string | null | undefined): string | undefined {
  return data ? Buffer.from(data, "base64").toString("utf8") : undefined;
}

function fromFile(path: string | null | undefined): string | undefined {
  if (!path) return undefined;
  if (!isAbsolute(path)) throw invalidKubeconfig(`${path} is relative, and a document has no folder`);
  return readFileSync(path, "utf8");
}
