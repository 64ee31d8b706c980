import { isIPv6 } from "node:net";
import { MulticloudError, ValidationError } from "../errors/multicloud-error.js";
import { nearest } from "../plugin/nearest.js";
import { apiPort } from "./api-record.js";
import type { Session } from "./session.js";

/** Name in the API's certificate whatever the engine, for servers whose own address may not be in it. */
const nameInEveryCertificate = "kubernetes";

/**
 * The kubeconfig that the last `up()` left, with the API server of the caller's choice. Reads only the state,
 * so that it answers also while clouds and cluster do not.
 *
 * @param server a master's name, `api`, a host, `host:port` or an `https` URL; without it the document is
 *   given as it was kept
 * @throws MulticloudError `NOT_FOUND` when there is no cluster yet or no `api` in the configuration,
 *   `CONFIG_INVALID` when the name is none of a master's
 */
export async function kubeconfigFor(session: Session, server?: string): Promise<string> {
  const kept = await session.state.read("kubeconfig");
  if (kept === undefined) {
    throw new MulticloudError(`there is no kubeconfig of ${session.config.name} in the state`, {
      code: "NOT_FOUND",
      hint: "run up() first; or restore the state directory of this cluster",
    });
  }
  const document = Buffer.from(kept).toString("utf8");
  if (server === undefined) return document;
  const { setServer } = await import("@multicloud/kubernetes");
  const { url, known } = await resolve(session, server);
  return setServer(document, url, known ? {} : { tlsServerName: nameInEveryCertificate });
}

interface Resolved {
  readonly url: string;
  /** The address is in the API's certificate. */
  readonly known: boolean;
}

async function resolve(session: Session, server: string): Promise<Resolved> {
  const { api, name } = session.config;
  if (server === "api") {
    if (api) return { url: urlOf(api.record), known: true };
    throw new MulticloudError("the configuration has no name for the API", {
      code: "NOT_FOUND",
      hint: 'give it one, for example api: cloudflare({ zone, record: "api" }), and run up()',
    });
  }
  const masters = session.sites.flatMap((site) => site.nodes).filter(({ role }) => role === "master");
  const names = masters.map((node) => node.name);
  if (names.includes(server)) {
    const { address } = await session.records.read(server);
    if (address !== undefined) return { url: urlOf(address), known: true };
    throw new MulticloudError(`the address of ${server} is not in the state`, {
      code: "NOT_FOUND",
      node: server,
      hint: "run up() first",
    });
  }
  const isUrl = /^https:\/\//.test(server);
  const url = isUrl ? server : urlOf(server);
  const looksLikeNode = server.startsWith(`${name}-`) && !server.includes(".");
  if (looksLikeNode || !URL.canParse(url) || (server.includes("/") && !isUrl)) {
    const suggestion = nearest(server, names);
    throw new ValidationError([
      {
        path: "server",
        message: "is neither a master of this cluster nor an address",
        given: server,
        allowed: [...names, ...(api ? ["api"] : []), "a host, host:port, or https URL"],
        ...(suggestion ? { suggestion } : {}),
      },
    ]);
  }
  const own = await Promise.all(names.map((one) => session.records.read(one)));
  const addresses = own.flatMap(({ address, overlayAddress }) => [address, overlayAddress]);
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return { url, known: host === api?.record || addresses.includes(host) };
}

function urlOf(host: string): string {
  if (isIPv6(host)) return `https://[${host}]:${apiPort}`;
  return /:\d+$/.test(host) ? `https://${host}` : `https://${host}:${apiPort}`;
}
