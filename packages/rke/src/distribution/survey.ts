import { createHash } from "node:crypto";
import { type EngineNode, MulticloudError } from "@multicloud/core/plugin";
import { type Architecture, type Distribution, pathsOf } from "./distribution.js";
import type { EtcdTiming } from "./etcd-timing.js";
import { lockSeconds, shellAfterOthers } from "./remote-lock.js";

/** What this package notes on a node. The digest is empty while the node is being changed. */
export interface Mark {
  readonly cluster: string;
  readonly node: string;
  /** Digest of all that the running service was started with. */
  readonly digest: string;
  /** On masters: the timing of etcd that was decided. */
  readonly etcd?: EtcdTiming;
}

/** What there is on a node. */
export interface NodeSurvey {
  readonly node: EngineNode;
  readonly architecture: Architecture;
  /** Of the installed program, for example `v1.35.6+k3s1`. */
  readonly version: string | undefined;
  /** State of the unit that the node's role asks for, as systemd names it. */
  readonly unit: string;
  readonly enabled: boolean;
  /** The unit of the other role runs or is enabled: the node was something else before. */
  readonly otherRole: boolean;
  readonly mark: Mark | undefined;
  readonly config: string | undefined;
  readonly token: string | undefined;
  /** SHA-256 of the files that were asked for and exist. */
  readonly hashes: ReadonlyMap<string, string>;
  /** It has the data of an etcd member. */
  readonly isMember: boolean;
  /** SHA-256 of the certificate of the cluster's CA, as it stands in a token. */
  readonly caHash: string | undefined;
  /** The token that a server keeps. */
  readonly serverToken: string | undefined;
  /** Downloads that a run left which was cut off. */
  readonly hasDownloads: boolean;
  /** It has registered as a node once. */
  readonly hasRegistered: boolean;
  /** Servers that an agent knows, `address:port`. */
  readonly knownServers: readonly string[];
}

/** Looks at one node in a single round trip. Reads only. */
export async function surveyNode(
  distribution: Distribution,
  node: EngineNode,
  files: readonly string[],
  signal: AbortSignal,
): Promise<NodeSurvey> {
  const paths = pathsOf(distribution);
  const { serverUnit, agentUnit } = distribution;
  const [unit, other] = node.role === "master" ? [serverUnit, agentUnit] : [agentUnit, serverUnit];
  const script = [
    `show() { if [ -f "$2" ]; then echo "$1 $(base64 -w 0 "$2")"; fi; }`,
    `hash() { if [ -f "$2" ]; then echo "$1 $(sha256sum "$2" | cut -d ' ' -f 1)"; fi; }`,
    `echo "architecture $(uname -m)"`,
    `if [ -x ${distribution.program} ]; then echo "version $(${distribution.program} --version | head -n 1)"; fi`,
    `echo "unit $(systemctl is-active ${unit} 2>/dev/null | head -n 1)"`,
    `echo "enabled $(systemctl is-enabled ${unit} 2>/dev/null | head -n 1)"`,
    `if systemctl is-active --quiet ${other} 2>/dev/null || [ "$(systemctl is-enabled ${other} 2>/dev/null)" = enabled ]; then echo "other yes"; fi`,
    `show mark ${paths.mark}`,
    `show config ${paths.config}`,
    `show token ${paths.token}`,
    `show server-token ${paths.serverToken}`,
    `show balancer ${paths.balancer}`,
    `hash server-ca ${paths.serverCa}`,
    `hash agent-ca ${paths.agentCa}`,
    `if [ -d ${paths.etcd}/member ] && [ ! -e ${paths.etcd}/tombstone ]; then echo "member yes"; fi`,
    `if [ -e ${paths.stage} ]; then echo "stage yes"; fi`,
    `if [ -e ${paths.nodePassword} ] && [ -d ${paths.data}/agent ]; then echo "registered yes"; fi`,
    ...files.map((path) => `hash "file:${path}" "${path}"`),
    "",
  ].join("\n");
  const { code, stdout, stderr } = await node.host
    .exec(shellAfterOthers(distribution), {
      sudo: true,
      stdin: script,
      signal,
      timeoutMs: 60_000 + lockSeconds * 1000,
    })
    .catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new MulticloudError(
        `${node.name} cannot be looked at: ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          code: "HOST_UNREACHABLE",
          site: node.site,
          node: node.name,
          hint: `check that ${node.address}:${node.port} answers, then run up() again`,
          cause,
        },
      );
    });
  if (code !== 0) {
    throw new MulticloudError(`looking at ${node.name} failed: ${stderr.trim().slice(-500)}`, {
      code: "REMOTE_COMMAND_FAILED",
      site: node.site,
      node: node.name,
    });
  }
  const found = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const at = line.indexOf(" ");
    if (at > 0) found.set(line.slice(0, at), line.slice(at + 1).trim());
  }
  const text = (key: string) => {
    const encoded = found.get(key);
    return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString("utf8");
  };
  // systemd before 254 says nothing of a unit that does not exist.
  const hasUnit = !["", "not-found"].includes(found.get("enabled") ?? "");
  return {
    node,
    architecture: architectureOf(node, found.get("architecture") ?? ""),
    // An installation that was cut off has the program but not the unit.
    version: hasUnit ? /\b(v\d+\.\d+\.\d+\S*)/.exec(found.get("version") ?? "")?.[1] : undefined,
    unit: found.get("unit") || "inactive",
    enabled: found.get("enabled") === "enabled",
    otherRole: found.has("other"),
    mark: parseMark(text("mark")),
    config: text("config"),
    token: text("token")?.trim(),
    hashes: new Map(
      files.flatMap((path) => {
        const hash = found.get(`file:${path}`);
        return hash === undefined ? [] : [[path, hash] as const];
      }),
    ),
    isMember: found.has("member"),
    caHash: found.get("server-ca") ?? found.get("agent-ca"),
    serverToken: text("server-token")?.trim(),
    hasDownloads: found.has("stage"),
    hasRegistered: found.has("registered"),
    knownServers: serversOf(text("balancer")),
  };
}

/** SHA-256 as `sha256sum` prints it. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function architectureOf(node: EngineNode, machine: string): Architecture {
  if (machine === "x86_64") return "amd64";
  if (machine === "aarch64" || machine === "arm64") return "arm64";
  throw new MulticloudError(`${node.name} has the architecture ${machine}, for which there is no release`, {
    code: "ENGINE_FAILED",
    site: node.site,
    node: node.name,
    hint: "use machines with x86_64 or arm64",
  });
}

function parseMark(text: string | undefined): Mark | undefined {
  if (text === undefined) return undefined;
  try {
    const { cluster, node, digest, etcd } = JSON.parse(text) as Partial<Mark>;
    if (typeof cluster !== "string" || typeof node !== "string") return undefined;
    const isTiming = typeof etcd?.heartbeatMs === "number" && typeof etcd.electionMs === "number";
    return { cluster, node, digest: String(digest ?? ""), ...(isTiming ? { etcd } : {}) };
  } catch {
    return undefined;
  }
}

function serversOf(text: string | undefined): readonly string[] {
  try {
    const { ServerAddresses: addresses } = JSON.parse(text ?? "{}") as { ServerAddresses?: unknown };
    return Array.isArray(addresses) ? addresses.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}
