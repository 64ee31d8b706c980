import type { Problem } from "../contracts/context.js";
import type { MulticloudConfig } from "./config.js";
import type { Validation } from "./validate.js";

/**
 * What the spread of masters means for etcd, which needs more than half of its members: an even number
 * tolerates no more losses than one less, and a site that holds the majority takes the cluster with it.
 */
export function quorumProblems(config: MulticloudConfig): Validation {
  const perSite = Object.entries(config.sites ?? {})
    .map(([site, { masters }]) => ({ site, count: masters?.count ?? 0 }))
    .filter(({ count }) => count > 0);
  const total = perSite.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) {
    return {
      problems: [
        {
          path: "sites",
          message: "no site has masters: a cluster needs at least one",
          hint: "three masters in three sites survive the loss of any site",
        },
      ],
      warnings: [],
    };
  }
  const warnings: Problem[] = [];
  const spread = perSite.map(({ site, count }) => `${site} ${count}`).join(", ");
  if (total % 2 === 0) {
    warnings.push({
      path: "sites",
      message: `${total} masters tolerate the loss of ${tolerated(total)}, as many as ${total - 1} would: etcd wants an odd number`,
      given: spread,
      hint: `use ${total - 1} or ${total + 1}`,
    });
  }
  const largest = perSite.reduce((a, b) => (b.count > a.count ? b : a));
  if (total - largest.count < Math.floor(total / 2) + 1) {
    warnings.push({
      path: `sites.${largest.site}.masters`,
      message: `losing ${largest.site} leaves ${total - largest.count} of ${total} masters, less than etcd's quorum of ${Math.floor(total / 2) + 1}: the cluster goes down with that site`,
      given: spread,
      hint: "spread the masters over three sites so that each holds less than half",
    });
  }
  return { problems: [], warnings };
}

function tolerated(members: number): number {
  return members - (Math.floor(members / 2) + 1);
}
