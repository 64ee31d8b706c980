import type { ProviderCheck, SiteContext, SiteRequest } from "@multicloud/core/plugin";
import { checkMachines, checkPoolOptions, checkVolumes, checkZones } from "./check-machines.js";
import { checkNetwork } from "./check-network.js";
import { checkAntiAffinity } from "./check-server-groups.js";
import type { Cloud } from "./cloud.js";
import { asProblem, createFindings, type Findings } from "./findings.js";
import { isOurKeypair, sharedName } from "./marks.js";

/** Everything that can be known before the first effect: credentials, names, clashes, quota. Reads only. */
export async function checkSite(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
): Promise<ProviderCheck> {
  const findings = createFindings();
  cloud.lookup.forget();
  checkPoolOptions(request.machines, findings);
  const entered = await asProblem(findings, "provider", async () => {
    await cloud.client.authorize(context);
    for (const message of (await cloud.client.settings()).warnings) {
      findings.warning({ path: "provider", message });
    }
  });
  if (entered) {
    const parts = [
      () => checkMachines(cloud, context, request, findings),
      () => checkNetwork(cloud, context, request, findings),
      () => checkAntiAffinity(cloud, context, request, findings),
      () => checkZones(cloud, context, request, findings),
      () => checkKeypair(cloud, context, findings),
      () => checkVolumes(cloud, context, request, findings),
    ];
    await Promise.all(parts.map((part) => asProblem(findings, "provider", part)));
  }
  return { problems: [...findings.problems.values()], warnings: [...findings.warnings.values()] };
}

/** The operator's key is not known yet; `ensureShared` compares it. */
async function checkKeypair(cloud: Cloud, context: SiteContext, findings: Findings): Promise<void> {
  const keypair = await cloud.client.nova.getKeypair(context, sharedName(context));
  if (!keypair || isOurKeypair(context, keypair)) return;
  findings.warning({
    path: "provider",
    message: `a key pair ${keypair.name} exists that does not carry this cluster's mark`,
    given: keypair.fingerprint,
    hint: "it is used if it holds this cluster's key, and never deleted; otherwise the run stops before it makes a machine",
  });
}
