import { randomBytes } from "node:crypto";
import { type EngineContext, type EngineNode, MulticloudError } from "@multicloud/core/plugin";
import { parse } from "yaml";
import { type ClusterRecord, readRecord } from "./cluster-record.js";
import type { Distribution } from "./distribution.js";
import { joinUrl } from "./node-config.js";
import { type NodeSurvey, sha256 } from "./survey.js";

/** Which cluster this is, and how to get into it. */
export interface ClusterIdentity {
  /** The shared secret. */
  readonly secret: string;
  /** `undefined` while there is no cluster yet. */
  readonly caHash: string | undefined;
  /** Wanted masters that hold the cluster's data, in the stable order. */
  readonly members: readonly NodeSurvey[];
  /** URL of a master that is to leave and still answers, when no wanted one holds the data. */
  readonly outsider: string | undefined;
  readonly record: ClusterRecord | undefined;
}

/**
 * Finds the cluster that these nodes belong to: by the data of its masters, by what is kept here, by what the
 * workers know. A cluster that has existed is never begun a second time.
 *
 * @param all what there is on every node, masters first, in the stable order
 * @throws MulticloudError `CONFLICT` for nodes of something else, `ENGINE_STATE_MISSING` when none of the cluster's masters can be found
 */
export async function findCluster(
  distribution: Distribution,
  context: EngineContext,
  all: readonly NodeSurvey[],
): Promise<ClusterIdentity> {
  const record = await readRecord(context.state);
  if (record && record.distribution !== distribution.name)
    throw otherDistribution(distribution, record, context.cluster);
  for (const one of all) refuseForeign(distribution, context.cluster, one);
  const members = all.filter(({ node, isMember }) => node.role === "master" && isMember);
  const caHash = agreedCa(distribution, all, record);
  const secret =
    members.map(({ serverToken }) => secretOf(serverToken)).find((found) => found !== undefined) ??
    record?.token ??
    all.map(({ token }) => secretOf(token)).find((found) => found !== undefined) ??
    randomBytes(32).toString("hex");
  const outsider =
    members.length > 0 || caHash === undefined
      ? undefined
      : await findOutsider(distribution, context, all, record, caHash);
  return { secret, caHash, members, outsider, record };
}

/** The secret of a token in either form; `undefined` for none. */
export function secretOf(token: string | undefined): string | undefined {
  const text = token?.trim();
  if (!text) return undefined;
  return /^K10[0-9a-f]{64}::(?:[^:]*:)?(.+)$/.exec(text)?.[1] ?? text;
}

/** A token in full form: who joins with it refuses any other cluster. */
export function fullToken(secret: string, caHash: string): string {
  return `K10${caHash}::server:${secret}`;
}

function refuseForeign(distribution: Distribution, cluster: string, one: NodeSurvey): void {
  const { node, mark, version, isMember, caHash } = one;
  const hasTraces = version !== undefined || isMember || caHash !== undefined;
  if (mark ? mark.cluster === cluster : !hasTraces) return;
  const whose = mark ? `belongs to the cluster ${mark.cluster}` : "was not installed by this cluster";
  throw new MulticloudError(`${node.name} has ${distribution.title} on it that ${whose}`, {
    code: "CONFLICT",
    site: node.site,
    node: node.name,
    service: distribution.name,
    hint: `if it is given up, remove it there with ${distribution.uninstallers.join(" or ")} and run up() again`,
  });
}

/** The CA that all nodes and the record agree on. */
function agreedCa(
  distribution: Distribution,
  all: readonly NodeSurvey[],
  record: ClusterRecord | undefined,
): string | undefined {
  const held = all.filter((one) => one.caHash !== undefined && (one.isMember || one.node.role === "worker"));
  const known = record?.caHash ?? held.find(({ isMember }) => isMember)?.caHash ?? held[0]?.caHash;
  const other = held.find(({ caHash }) => caHash !== known);
  if (!other) return known;
  throw new MulticloudError(
    `${other.node.name} belongs to another ${distribution.title} cluster than the one that is known: their certificate authorities differ`,
    {
      code: "CONFLICT",
      site: other.node.site,
      node: other.node.name,
      service: distribution.name,
      hint: `find out which of the two is right, then remove the other from its machines with ${distribution.uninstallers.join(" or ")}, or replace them`,
    },
  );
}

/** Asks every address at which a master of this cluster was ever known, from a node of the overlay. */
async function findOutsider(
  distribution: Distribution,
  context: EngineContext,
  all: readonly NodeSurvey[],
  record: ClusterRecord | undefined,
  caHash: string,
): Promise<string> {
  const urls = new Set<string>((record?.servers ?? []).map(({ address }) => joinUrl(distribution, address)));
  for (const { config, knownServers } of all) {
    const server = serverOf(config);
    if (server !== undefined) urls.add(server);
    for (const address of knownServers) urls.add(`https://${address}`);
  }
  const own = new Set(all.map(({ node }) => joinUrl(distribution, node.overlayAddress)));
  const [from] = all;
  for (const url of urls) {
    if (!from || own.has(url)) continue;
    if ((await caHashAt(from.node, url, context.signal)) === caHash) return url;
  }
  const servers = record?.servers.map(({ name }) => name) ?? [];
  const names = servers.length > 0 ? ` (${servers.join(", ")})` : "";
  throw new MulticloudError(
    `this cluster exists, but none of its masters${names} is among the nodes or answers over the overlay; beginning again would make a second cluster and lose what the first one holds`,
    {
      code: "ENGINE_STATE_MISSING",
      service: distribution.name,
      hint: "bring one of its masters back, or restore etcd from a snapshot; if the cluster is given up, run destroy() and then up()",
    },
  );
}

/** SHA-256 of the CA that a server at a URL presents, asked from a node; `undefined` when none answers. */
async function caHashAt(from: EngineNode, url: string, signal: AbortSignal): Promise<string | undefined> {
  if (!/^https:\/\/[\w.:[\]-]+$/.test(url)) return undefined;
  // What is asked for is public and judged by its hash, so the certificate needs no check.
  const command = `curl -k -s -f --connect-timeout 5 --max-time 15 ${url}/cacerts`;
  const { code, stdout } = await from.host.exec(command, { signal, timeoutMs: 30_000 });
  return code === 0 && stdout.includes("BEGIN CERTIFICATE") ? sha256(stdout) : undefined;
}

/** Address and port of the `server` in a `config.yaml`. */
function serverOf(config: string | undefined): string | undefined {
  try {
    const { server } = (parse(config ?? "") ?? {}) as { readonly server?: unknown };
    return typeof server === "string" ? server : undefined;
  } catch {
    return undefined;
  }
}

function otherDistribution(distribution: Distribution, record: ClusterRecord, cluster: string) {
  return new MulticloudError(
    `${cluster} runs ${record.distribution}; an engine is not changed on a cluster that exists`,
    {
      code: "CONFLICT",
      service: distribution.name,
      hint: `keep ${record.distribution}(), or make a new cluster beside it and move over`,
    },
  );
}
