import { type EngineContext, type EngineNode, MulticloudError } from "@multicloud/core/plugin";
import { inOrder } from "../cluster-yml/render.js";
import { writeRecord } from "./cluster-record.js";
import type { Distribution } from "./distribution.js";
import { bring, type EngineRun } from "./engine-run.js";
import { defaultTiming, type EtcdTiming, measureRoundTrip, slower, timingFor } from "./etcd-timing.js";
import { findCluster } from "./identity.js";
import { nodeFiles } from "./node-config.js";
import type { DistributionSettings } from "./options.js";
import { type NodeSurvey, surveyNode } from "./survey.js";
import { refuseUnsupportedChange } from "./versions.js";

/** Looks at everything, refuses what must not be done, and begins the cluster if there has never been one. */
export async function beginRun(
  distribution: Distribution,
  settings: DistributionSettings,
  context: EngineContext,
  given: readonly EngineNode[],
): Promise<EngineRun> {
  const nodes = inOrder(given);
  const masters = nodes.filter(({ role }) => role === "master");
  const workers = nodes.filter(({ role }) => role === "worker");
  const base = {
    distribution,
    settings,
    context,
    cluster: context.cluster,
    masters,
    hasWorkers: workers.length > 0,
    apiName: context.apiName,
  };
  const surveyed = await Promise.all(
    nodes.map((node) =>
      surveyNode(
        distribution,
        node,
        Object.keys(nodeFiles({ ...base, etcd: defaultTiming }, node)),
        context.signal,
      ),
    ),
  );
  const identity = await findCluster(distribution, context, surveyed);
  if (!settings.upgrade.force) refuseUnsupportedChange(distribution, settings.version, surveyed);
  const etcd = await decideTiming(settings, context, masters, surveyed);
  const { secret, caHash } = identity;
  const run: EngineRun = {
    parts: { ...base, etcd, secret, caHash },
    masters,
    workers,
    identity,
    surveys: new Map(surveyed.map((survey) => [survey.node.name, survey])),
    lost: new Set(),
    cluster: undefined,
    changed: false,
  };
  if (caHash !== undefined) return run;
  return beginCluster(run);
}

/** Timing is decided when a master comes, and only ever made slower. */
async function decideTiming(
  settings: DistributionSettings,
  context: EngineContext,
  masters: readonly EngineNode[],
  surveys: readonly NodeSurvey[],
): Promise<EtcdTiming> {
  const known = surveys.flatMap(({ node, mark }) =>
    node.role === "master" && mark?.etcd ? [mark.etcd] : [],
  );
  const before = known.reduce(slower, defaultTiming);
  const isComplete = surveys.every(({ node, isMember }) => node.role === "worker" || isMember);
  if (isComplete && known.length === masters.length) return before;
  const measured = await measureRoundTrip(settings, context, masters);
  return measured === undefined ? before : slower(before, timingFor(measured));
}

/** The first server of a cluster that has never been. Which one it is stays decided, wherever the run is cut off. */
async function beginCluster(run: EngineRun): Promise<EngineRun> {
  const { parts, masters, identity } = run;
  const { distribution, context, secret } = parts;
  const first = masters.find(({ name }) => name === identity.record?.first) ?? masters[0];
  if (!first) throw new MulticloudError("a cluster needs a master", { code: "CONFIG_INVALID" });
  const record = { distribution: distribution.name, token: secret, first: first.name, servers: [] };
  await writeRecord(context.state, record);
  const survey = await bring(run, first, undefined);
  const { caHash } = await surveyNode(distribution, first, [], context.signal);
  if (caHash === undefined) {
    throw new MulticloudError(`${first.name} runs ${distribution.title}, but has no certificate authority`, {
      code: "ENGINE_FAILED",
      site: first.site,
      node: first.name,
      service: distribution.name,
    });
  }
  await writeRecord(context.state, {
    ...record,
    caHash,
    servers: [{ name: first.name, address: first.overlayAddress }],
  });
  return {
    ...run,
    parts: { ...parts, caHash },
    identity: { ...identity, caHash, members: [{ ...survey, caHash }] },
  };
}
