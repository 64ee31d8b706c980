import { delay, type EngineNode, MulticloudError } from "@multicloud/core/plugin";
import { lackOf, lacks, steadyJoin } from "./bring.js";
import { openApi, silentApi } from "./cluster-api.js";
import { pathsOf } from "./distribution.js";
import { bring, type EngineRun, isMember, joinOf, surveyOf, waitReady } from "./engine-run.js";
import { removeDead } from "./removal.js";
import { lostMembership, unitOf } from "./service.js";

/** Masters that do not run are needed for a majority, so they start together. */
export async function startMembers(run: EngineRun): Promise<void> {
  const stopped = run.masters.filter((node) => isMember(run, node) && surveyOf(run, node).unit !== "active");
  await Promise.all(
    stopped.map(async (node) => {
      try {
        await bring(run, node, steadyJoin(run.parts, node));
      } catch (error) {
        const isLost = MulticloudError.isInstance(error) && error.cause === lostMembership;
        const others = run.masters.filter((other) => other !== node && isMember(run, other));
        if (!isLost || others.length === 0) throw error;
        await forgetMembership(run, node);
      }
    }),
  );
}

/** A server that etcd has let go while it did not run keeps data that only hinders it: it joins again as a new one. */
async function forgetMembership(run: EngineRun, node: EngineNode): Promise<void> {
  const { distribution, context } = run.parts;
  const unit = unitOf(distribution, node);
  context.report({
    type: "log",
    level: "info",
    message: `${node.name} was taken out of etcd while it did not run; it joins again`,
    node: node.name,
  });
  await node.host.exec(`sh -c 'systemctl stop ${unit}; rm -rf ${pathsOf(distribution).etcd}'`, {
    sudo: true,
    signal: context.signal,
  });
  const survey = surveyOf(run, node);
  run.surveys.set(node.name, { ...survey, isMember: false, hasRegistered: false, unit: "inactive" });
  run.lost.add(node.name);
}

/** Opens the API of the cluster that is there. */
export async function openCluster(run: EngineRun): Promise<void> {
  const { parts, identity } = run;
  const { distribution, settings, context } = parts;
  const members = run.masters.filter((node) => isMember(run, node));
  // The cluster may live on masters that are to leave.
  const leaving = members.length === 0 ? ((await context.leaving?.()) ?? []) : [];
  const others = leaving.filter(({ role }) => role === "master");
  if (members.length === 0 && others.length === 0) return;
  for (let attempt = 1; attempt <= settings.attempts; attempt += 1) {
    run.cluster = await openApi(distribution, context, [...members, ...others]);
    if (run.cluster) return;
    if (attempt < settings.attempts) await delay(settings.retryDelayMs, context.signal);
  }
  if (members.length > 0 || identity.outsider === undefined) throw silentApi(distribution, members);
}

/** Masters that are in, one after the other: each is Ready again before the next is touched. */
export async function changeMembers(run: EngineRun): Promise<void> {
  for (const node of run.masters) {
    if (!isMember(run, node)) continue;
    const join = steadyJoin(run.parts, node);
    const lack = lackOf(run.parts, surveyOf(run, node), join);
    if (!lacks(lack)) continue;
    // Who is to be named may still be on its way; the rest is done now, this at the end.
    await bring(run, node, lack.restart ? (joinOf(run, node) ?? join) : join);
    if (lack.restart) await waitReady(run, node);
  }
}

/** Masters that are still to come, one after the other. */
export async function addMasters(run: EngineRun): Promise<void> {
  for (const node of run.masters) {
    if (isMember(run, node)) continue;
    await bring(run, node, joinOf(run, node));
    if (!run.cluster) {
      const { distribution, context } = run.parts;
      run.cluster = await openApi(distribution, context, [node], 60_000);
      if (!run.cluster) throw silentApi(distribution, [node]);
      await removeDead(run);
    }
    await waitReady(run, node);
  }
}
