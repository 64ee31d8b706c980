import { applyFragment, type EngineContext, type EngineNode } from "@multicloud/core/plugin";
import { pathsOf } from "./distribution.js";
import { fullToken, secretOf } from "./identity.js";
import { installRelease, removeDownloads } from "./install.js";
import {
  type ConfigParts,
  effectiveConfig,
  joinUrl,
  nodeConfig,
  nodeFiles,
  renderConfig,
} from "./node-config.js";
import { startService, writeMark } from "./service.js";
import { type Mark, type NodeSurvey, sha256 } from "./survey.js";

/** What bringing nodes to their state needs. */
export interface BringParts extends ConfigParts {
  readonly context: EngineContext;
  readonly secret: string;
  /** SHA-256 of the CA; `undefined` before there is one. */
  readonly caHash: string | undefined;
}

/** What a node lacks. */
export interface Lack {
  readonly install: boolean;
  readonly files: boolean;
  readonly restart: boolean;
  /** Downloads are to be removed that nobody needs any more. */
  readonly tidy: boolean;
  /** Digest of what it is to run with. */
  readonly digest: string;
  readonly config: string;
  readonly token: string;
  readonly others: Readonly<Record<string, string>>;
}

/** The server that a node names when all is done: another one, for whoever has lost its place joins there again instead of beginning anew. */
export function steadyJoin(parts: ConfigParts, node: EngineNode): string | undefined {
  const other = parts.masters.find(({ name }) => name !== node.name);
  return other && joinUrl(parts.distribution, other.overlayAddress);
}

/** Compares a node with what it is to be. */
export function lackOf(parts: BringParts, survey: NodeSurvey, join: string | undefined): Lack {
  const { settings, secret, caHash } = parts;
  const { node, mark } = survey;
  const config = nodeConfig(parts, node, join);
  const others = nodeFiles(parts, node);
  const rendered = renderConfig(config);
  const digest = sha256(JSON.stringify([settings.version, node.role, effectiveConfig(config), others]));
  const install = survey.version !== settings.version;
  // A token that is right in either form stays as it is.
  const hasToken = secretOf(survey.token) === secret;
  const token = hasToken && survey.token ? survey.token : caHash ? fullToken(secret, caHash) : secret;
  const files =
    survey.config !== rendered ||
    !hasToken ||
    Object.entries(others).some(([path, content]) => survey.hashes.get(path) !== sha256(content));
  const restart =
    install ||
    mark?.digest !== digest ||
    survey.unit !== "active" ||
    !survey.enabled ||
    mark?.node !== node.name;
  const tidy = survey.hasDownloads && !install;
  return { install, files, restart, tidy, digest, config: rendered, token, others };
}

/** Whether a node lacks anything. */
export const lacks = ({ install, files, restart, tidy }: Lack) => install || files || restart || tidy;

/**
 * Gives a node what it lacks: the mark that says it is being changed first, the mark with the digest last, so
 * that a run that is cut off anywhere between is gone on with.
 *
 * @returns what there is on the node now
 */
export async function bringNode(
  parts: BringParts,
  survey: NodeSurvey,
  join: string | undefined,
): Promise<NodeSurvey> {
  const { distribution, settings, context, cluster, etcd } = parts;
  const { node } = survey;
  const { signal } = context;
  const lack = lackOf(parts, survey, join);
  if (!lacks(lack)) return survey;
  const paths = pathsOf(distribution);
  const mark: Mark = {
    cluster,
    node: node.name,
    digest: lack.digest,
    ...(node.role === "master" ? { etcd } : {}),
  };
  if (lack.restart && (survey.mark?.digest !== "" || survey.mark.node !== node.name)) {
    if (!survey.mark) await node.host.exec(`mkdir -p /etc/rancher`, { sudo: true, signal });
    await writeMark(distribution, node, { ...mark, digest: "" }, signal);
  }
  if (lack.files) {
    const root = { mode: "0600", owner: "root:root" } as const;
    const hasManifests = Object.keys(lack.others).some((path) => path.startsWith(paths.data));
    await applyFragment(
      node.host,
      {
        directories: hasManifests
          ? [
              { path: paths.data },
              { path: `${paths.data}/server`, mode: "0700" },
              { path: paths.manifests, mode: "0700" },
              ...(settings.cis ? [{ path: `${paths.data}/server/logs`, mode: "0700" }] : []),
            ]
          : [],
        files: [
          ...Object.entries(lack.others).map(([path, content]) => ({ path, content, ...root })),
          { path: paths.token, content: `${lack.token}\n`, ...root },
          { path: paths.config, content: lack.config, ...root },
        ],
      },
      { signal, site: node.site, node: node.name },
    );
  }
  const say = (message: string) =>
    context.report({ type: "log", level: "info", message, node: node.name, source: distribution.name });
  if (lack.install) {
    say(`installing ${distribution.title} ${settings.version}`);
    await installRelease(distribution, settings, context, node, survey.architecture);
  }
  if (lack.tidy) await removeDownloads(distribution, node, signal);
  if (lack.restart) {
    say(survey.unit === "active" ? "restarting the service" : "starting the service");
    await startService(distribution, settings, context, node, parts.secret);
    await writeMark(distribution, node, mark, signal);
  }
  return {
    ...survey,
    version: settings.version,
    unit: lack.restart ? "active" : survey.unit,
    enabled: lack.restart || survey.enabled,
    mark: lack.restart ? mark : survey.mark,
    config: lack.config,
    token: lack.token,
    hashes: new Map(Object.entries(lack.others).map(([path, content]) => [path, sha256(content)])),
    isMember: survey.isMember || node.role === "master",
    hasDownloads: false,
    hasRegistered: true,
  };
}
