import { type ClusterEngine, ValidationError } from "@multicloud/core/plugin";
import { checkDistribution, findDistributionProblems } from "./check.js";
import type { Distribution } from "./distribution.js";
import { distributionFacts } from "./facts.js";
import { type DistributionOptions, withDistributionDefaults } from "./options.js";
import { prepareDistributionNode } from "./prepare.js";
import { resetDistribution } from "./reset.js";
import { upDistribution } from "./up.js";

/** One of the distributions as the engine of a cluster. */
export function createDistributionEngine(
  distribution: Distribution,
  options: DistributionOptions,
): ClusterEngine {
  const settings = withDistributionDefaults(distribution, options);
  return {
    specVersion: "v1",
    name: distribution.name,
    facts: distributionFacts(distribution, settings),
    cidrs: { pods: settings.podCidr, services: settings.serviceCidr },
    check: (_context, nodes) => checkDistribution(distribution, options, nodes),
    prepare: (node) => prepareDistributionNode(distribution, settings, node),
    async up(context, nodes) {
      const problems = findDistributionProblems(distribution, options, nodes);
      if (problems.length > 0) throw new ValidationError(problems);
      return upDistribution(distribution, settings, context, nodes);
    },
    reset: (context, nodes) => resetDistribution(distribution, context, nodes),
  };
}
