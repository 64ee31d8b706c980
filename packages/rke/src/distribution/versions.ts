import { type EngineNode, MulticloudError } from "@multicloud/core/plugin";
import type { Distribution } from "./distribution.js";
import type { NodeSurvey } from "./survey.js";

/** A release of either distribution, as numbers that can be compared. */
type Version = readonly [major: number, minor: number, patch: number, build: number];

/** Reads `v1.35.6+k3s1` or `v1.35.7+rke2r1`; `undefined` for anything else. */
export function parseVersion(distribution: Pick<Distribution, "name">, text: string): Version | undefined {
  const suffix = distribution.name === "k3s" ? "k3s" : "rke2r";
  const match = new RegExp(`^v(\\d+)\\.(\\d+)\\.(\\d+)(?:-rc\\d+)?\\+${suffix}(\\d+)$`).exec(text);
  if (!match) return undefined;
  const [major = 0, minor = 0, patch = 0, build = 0] = match.slice(1).map(Number);
  return [major, minor, patch, build];
}

/** Negative when the first is older. */
function compareVersions(one: Version, other: Version): number {
  const differences = one.map((part, index) => part - (other[index] ?? 0));
  return differences.find((difference) => difference !== 0) ?? 0;
}

/**
 * Refuses what Kubernetes does not support: going back, and skipping a minor version.
 *
 * @throws MulticloudError `ENGINE_FAILED`
 */
export function refuseUnsupportedChange(
  distribution: Distribution,
  wanted: string,
  surveys: readonly NodeSurvey[],
): void {
  const to = parseVersion(distribution, wanted);
  if (!to) return;
  for (const { node, version, caHash } of surveys) {
    // A program that was never started has no data of its version.
    const from =
      version === undefined || caHash === undefined ? undefined : parseVersion(distribution, version);
    if (!from || version === undefined) continue;
    if (compareVersions(to, from) < 0)
      throw refusal(
        distribution,
        node,
        `${wanted} is older than the ${version} of ${node.name}, and Kubernetes does not go back`,
      );
    if (to[0] !== from[0] || to[1] - from[1] > 1) {
      const step = `v${from[0]}.${from[1] + 1}`;
      throw refusal(
        distribution,
        node,
        `from ${version} to ${wanted} is more than one minor version, and Kubernetes skips none`,
        `go to a release of ${step} first`,
      );
    }
  }
}

function refusal(distribution: Distribution, node: EngineNode, message: string, hint?: string) {
  return new MulticloudError(message, {
    code: "ENGINE_FAILED",
    site: node.site,
    node: node.name,
    service: distribution.name,
    hint: `${hint ? `${hint}; ` : ""}upgrade.force overrules this`,
  });
}
