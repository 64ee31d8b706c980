import { type ClusterEngine, ValidationError } from "@multicloud/core/plugin";
import { checkRke, findOptionProblems } from "./check.js";
import { rkeFacts } from "./facts.js";
import { type RkeOperations, rkeOperations } from "./operations/operations.js";
import { type RkeOptions, withDefaults } from "./options.js";
import { prepareNode } from "./prepare.js";
import { resetRke } from "./reset.js";
import { upRke } from "./up.js";

/** RKE as a cluster's engine, with what it can do besides making the cluster. */
export interface RkeEngine extends ClusterEngine, RkeOperations {}

/**
 * Rancher Kubernetes Engine (v1) as the engine of a cluster: writes its `cluster.yml`, prepares the nodes
 * and runs the user's `rke` program on this machine. The program gets `PATH`, `HOME`, `SSH_AUTH_SOCK`,
 * `TMPDIR` and the proxy variables of this process, and nothing else of its environment.
 *
 * RKE does not verify host keys; every node is dialled with verification right before each run.
 */
export function rke(options: RkeOptions = {}): RkeEngine {
  const settings = withDefaults(options);
  const engine: RkeEngine = {
    specVersion: "v1",
    name: "rke",
    facts: rkeFacts(settings),
    cidrs: { pods: settings.podCidr, services: settings.serviceCidr },
    check: (context, nodes) => checkRke(options, context, nodes),
    prepare: (node, user) => prepareNode(node, user, settings),
    async up(context, nodes) {
      const problems = findOptionProblems(options, nodes);
      if (problems.length > 0) throw new ValidationError(problems);
      return upRke(settings, context, nodes);
    },
    reset: (context, nodes) => resetRke(settings, context, nodes),
    ...rkeOperations(() => engine, settings),
  };
  return engine;
}
