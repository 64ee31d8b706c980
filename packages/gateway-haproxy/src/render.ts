import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";

/** A node that connections are passed to. */
export interface Backend {
  /** Node name. */
  readonly name: string;
  /** Where the gateway reaches it. */
  readonly address: string;
}

/** All that a configuration is made of. */
export interface RenderInput {
  readonly cluster: string;
  readonly site: string;
  readonly workers: readonly Backend[];
  /** `undefined`: 6443 is not passed on. */
  readonly masters?: readonly Backend[];
  readonly workerPorts: { readonly http: number; readonly https: number };
  readonly proxyProtocol: boolean;
  readonly statsPort: number;
  readonly idleSeconds: number;
  /** Listen on IPv6 too. A machine without IPv6 could not. */
  readonly ipv6: boolean;
}

/** What the head of a configuration says of it. */
export interface ConfigHead {
  readonly cluster: string;
  readonly site: string;
  readonly digest: string;
  /** False when somebody changed the file after it was written. */
  readonly intact: boolean;
}

const owner = "made by @multicloud/gateway-haproxy";
const digestLength = 16;
const placeholder = "0".repeat(digestLength);
const headPattern =
  /^# multicloud ([a-z0-9-]+)\/([a-z0-9-]+) ([0-9a-f]{16}): made by @multicloud\/gateway-haproxy/;

/** Name of the statistics' proxy: it tells from outside which configuration runs. */
export const statsProxy = (digest: string) => `multicloud-${digest}`;

/**
 * The complete `haproxy.cfg`, for HAProxy 2.4 and newer. Equal input gives equal text, whatever the order of the
 * nodes. The digest of the text stands in its first line and in the name of the statistics' proxy.
 */
export function renderConfig(input: RenderInput): { readonly text: string; readonly digest: string } {
  const template = render(input);
  const digest = digestOf(template);
  return { text: template.replaceAll(placeholder, digest), digest };
}

/** Reads whose configuration a text is; `undefined` for one that this package has not written. */
export function readHead(text: string): ConfigHead | undefined {
  const [, cluster, site, digest] = headPattern.exec(text) ?? [];
  if (!cluster || !site || !digest) return undefined;
  return { cluster, site, digest, intact: digestOf(text.replaceAll(digest, placeholder)) === digest };
}

const digestOf = (template: string) =>
  createHash("sha256").update(template).digest("hex").slice(0, digestLength);

function render(input: RenderInput): string {
  const { cluster, site, workers, masters, workerPorts, proxyProtocol, statsPort, idleSeconds } = input;
  return `# multicloud ${cluster}/${site} ${placeholder}: ${owner}, which rewrites it at every change.
# A file that somebody changed is not overwritten: change the gateway's options instead.

global
    user haproxy
    group haproxy
    log stdout format raw local0 notice
    stats socket /run/haproxy/admin.sock mode 660 level admin expose-fd listeners
    # Connections that a reload left behind end after this at the latest.
    hard-stop-after 1h

defaults
    mode tcp
    log global
    option dontlognull
    # Another worker is tried when the first does not take the connection.
    retries 3
    option redispatch 1
    option clitcpka
    option srvtcpka
    timeout connect 4s
    timeout check 4s
    timeout client ${idleSeconds}s
    timeout server ${idleSeconds}s
    default-server check inter 2s fall 2 rise 2 on-marked-down shutdown-sessions

${service(input, "http", 80, workers, workerPorts.http, proxyProtocol)}
${service(input, "https", 443, workers, workerPorts.https, proxyProtocol)}
${masters ? `${service(input, "api", 6443, masters, 6443, false)}\n` : ""}listen ${statsProxy(placeholder)}
    mode http
    bind 127.0.0.1:${statsPort}
    timeout client 10s
    timeout server 10s
    stats enable
    stats uri /
    stats refresh 10s
`;
}

function service(
  { ipv6 }: RenderInput,
  name: string,
  port: number,
  backends: readonly Backend[],
  backendPort: number,
  proxyProtocol: boolean,
): string {
  const servers = [...backends]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name: node, address }) => {
      const target = isIPv6(address) ? `[${address}]:${backendPort}` : `${address}:${backendPort}`;
      return `    server ${node} ${target}${proxyProtocol ? " send-proxy-v2" : ""}\n`;
    });
  return `frontend ${name}
    bind 0.0.0.0:${port}
${ipv6 ? `    bind [::]:${port} v6only\n` : ""}    default_backend ${name}-nodes

backend ${name}-nodes
    balance roundrobin
${servers.join("")}`;
}
