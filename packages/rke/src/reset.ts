import type { EngineContext, EngineNode } from "@multicloud/core/plugin";
import { clusterYmlOf, inOrder, renderClusterYml } from "./cluster-yml/render.js";
import { clusterYml } from "./cluster-yml/schema.js";
import { secretValues } from "./cluster-yml/secrets.js";
import type { Settings } from "./options.js";
import { probeAll } from "./run/probe.js";
import { runRke } from "./run/rke-run.js";
import { engineFiles, fileNames } from "./state/engine-files.js";
import { removeCopies } from "./state/node-copies.js";

/** Takes the cluster off its nodes and forgets it, with the copies of its state. */
export async function resetRke(
  settings: Settings,
  context: EngineContext,
  given: readonly EngineNode[],
): Promise<void> {
  const nodes = inOrder(given);
  await probeAll(nodes, context.signal);
  const files = engineFiles(await context.state.directory("engine"));
  const { cluster, privateKeyFile } = context;
  const document = clusterYmlOf({ cluster, privateKeyFile, nodes, settings });
  await files.write(fileNames.config, renderClusterYml(document));
  await files.remove(fileNames.applied);
  await runRke({
    context,
    settings,
    directory: files.directory,
    args: ["remove", "--force", "--config", files.configFile],
    nodes,
    secrets: secretValues(clusterYml, document),
    attempts: settings.attempts,
  });
  await Promise.all(nodes.map((node) => removeCopies(node, context.signal)));
  for (const name of Object.values(fileNames)) await files.remove(name);
}
