import type { EngineNode } from "../contracts/engine.js";
import type { KubernetesNode } from "../contracts/kubernetes.js";
import type { Machine } from "../contracts/provider.js";
import { restorePower } from "../drill/site-power.js";
import { ensureGateways, removeGateways } from "../gateway/ensure.js";
import { type GatewayMachines, gatewayMachines, replaceGateways } from "../gateway/machines.js";
import { openConnections } from "../hosts/connect.js";
import { writeKnownHosts } from "../hosts/known-hosts.js";
import type { Plan, PlanAction } from "../plan/plan.js";
import { type Timings, timings } from "../run/critical-path.js";
import { isNodeMachine } from "../topology/topology.js";
import { applyAddons } from "./addons.js";
import { pointApi } from "./api-record.js";
import {
  type FormedCluster,
  formCluster,
  leaveCluster,
  returnToCluster,
  warnOfPrivateApi,
} from "./cluster.js";
import { type BootableNode, desiredMachines, isNode } from "./desired.js";
import { lateDoubles, removeDoubles } from "./doubles.js";
import { type EntrypointState, leaveEntrypoint, machinesBySite, pointEntrypoint } from "./entrypoint.js";
import { leavingNodes } from "./leaving-nodes.js";
import { type ReadyNode, runNodePipeline } from "./node-pipeline.js";
import { removeLeaving, removeSharedOfEmptySites, removeStrangers } from "./remove-leaving.js";
import type { Session } from "./session.js";
import { settle } from "./settle.js";
import { prepareSites, removeMachines } from "./site-work.js";
import { survey } from "./survey.js";

/** A node of a cluster that is up. */
export interface UpNode {
  readonly name: string;
  readonly site: string;
  readonly roles: readonly string[];
  readonly publicAddress?: string;
  readonly privateAddress?: string;
  readonly overlayAddress: string;
  readonly ready: boolean;
  /** False while somebody has cordoned it: it takes no new pods. */
  readonly schedulable: boolean;
  /** Kubernetes version of the node. */
  readonly version: string;
}

/** What `up()` gives. */
export interface UpResult {
  readonly plan: Plan;
  readonly nodes: readonly UpNode[];
  /** Path of the kubeconfig file (0600); its content when the state store has no files. */
  readonly kubeconfig: string;
  readonly entrypoint?: EntrypointState;
  /** The API's name and the masters' addresses that it holds. */
  readonly api?: EntrypointState;
  readonly timings: Timings;
}

/** Makes the world as the configuration wants it. */
export async function up(session: Session): Promise<UpResult> {
  const started = performance.now();
  // A drill that was killed may have left a site dark.
  await restorePower(session);
  const { plan, existing, doubles, ...surveyed } = await survey(session);
  const connections = openConnections(session);
  let cluster: FormedCluster | undefined;
  let gateways: GatewayMachines = new Map();
  try {
    const work = prepareSites(session, connections);
    // Only a network that is still to be made is waited for here: boot configurations name it.
    const wanted = surveyed.network ? surveyed.desired : desiredMachines(session, await work.network);
    const desired = wanted.filter(isNode);
    const machineOf = (node: BootableNode) =>
      existing.get(node.site)?.find(({ name, status }) => name === node.name && status !== "deleting");
    const replaced = plan.actions.filter(({ action }) => action === "replace");
    // Machines of a cluster that runs are replaced one at a time once the others are right; before there is one nothing is lost.
    const running = (await session.state.read("kubeconfig")) !== undefined;
    const rolling = running ? replaced.filter((action) => !isFailed(action)) : [];
    const atOnce = new Set(replaced.filter((action) => !rolling.includes(action)).map(({ node }) => node));

    const flow = (node: BootableNode, machine: Machine | undefined) =>
      runNodePipeline(session, work.parts(node.site), node, machine);
    await removeDoubles(session, doubles);
    // Whatever state they are in, they go when all else is right: nobody has to get along with them until then.
    const gatewaysToReplace = wanted.filter(
      ({ name, role }) => role === "gateway" && rolling.some(({ node }) => node === name),
    );
    const isAsIs = (site: string) => !gatewaysToReplace.some((gateway) => gateway.site === site);
    gateways = gatewayMachines(
      session,
      work,
      wanted.filter(({ role, site }) => role === "gateway" && isAsIs(site)),
      { existing, replaced: atOnce },
    );
    const flows = desired.map(async (node) => {
      const machine = machineOf(node);
      if (!machine || !atOnce.has(node.name)) return flow(node, machine);
      await removeMachines(session, work.machines(node.site), node.site, [machine]);
      return flow(node, undefined);
    });
    const [, ...settled] = await settle<unknown>([work.setup, ...flows], session.signal).catch(() =>
      // What fails besides is told too.
      settle<unknown>([work.setup, ...flows, ...gateways.values()], session.signal),
    );
    let ready = settled as ReadyNode[];
    const leaving = plan.actions.filter(({ action }) => action === "delete");
    const leavingMachines = leaving.flatMap(({ site, node }) => {
      const machine = existing.get(site)?.find(({ name }) => name === node);
      return machine ? [{ ...machine, site }] : [];
    });
    await leaveEntrypoint(session, leavingMachines, ready);
    // Nobody is to be sent to a machine that is being drained; the other gateways can wait for nothing.
    const drained = new Set(leaving.filter(isNodeMachine).map(({ site }) => site));
    const isDrained = ({ name }: { readonly name: string }) => drained.has(name);
    const others = session.sites.filter((site) => !isDrained(site)).map(({ name }) => name);
    const ensure = (sites: Iterable<string>) =>
      ensureGateways(session, ready, gateways, [...sites].filter(isAsIs));
    await ensure(drained);
    const gone = (plan.gateways ?? []).flatMap(({ action, site }) => (action === "remove" ? [site] : []));
    await removeGateways(
      session,
      session.sites.filter(
        (site) => site.nodes.length === 0 && (isDrained(site) || gone.includes(site.name)),
      ),
    );
    await leaveCluster(
      session,
      leaving.filter(isNodeMachine).map(({ node }) => node),
    );
    const form = async (going?: () => Promise<readonly EngineNode[]>) => {
      await cluster?.kubernetes.close();
      cluster = undefined;
      cluster = await formCluster(session, ready, going);
      return cluster;
    };
    const going =
      leavingMachines.length > 0 ? leavingNodes(session, connections, leavingMachines) : undefined;
    const [first] = await settle<unknown>([form(going), ensure(others)], session.signal);
    let formed = first as FormedCluster;
    if (gateways.size > 0) await writeKnownHosts(session, ready);

    for (const action of rolling.filter(isNodeMachine).sort(mastersFirst)) {
      const node = desired.find(({ name }) => name === action.node)!;
      const own = [node.site];
      const old = ready.filter(({ name }) => name === node.name);
      ready = ready.filter(({ name }) => name !== node.name);
      await leaveEntrypoint(session, [{ ...machineOf(node)!, site: node.site }], ready);
      await ensure(own);
      await leaveCluster(session, [node.name]);
      await form(async () => old);
      await removeMachines(session, work.machines(node.site), node.site, [machineOf(node)!]);
      ready = [...ready, await flow(node, undefined)];
      formed = await form();
      await ensure(own);
    }

    await replaceGateways(session, work, gatewaysToReplace, gateways, { existing, ready });
    if (gatewaysToReplace.length > 0) await writeKnownHosts(session, ready);

    formed = await returnToCluster(session, formed, ready);
    warnOfPrivateApi(session, ready);
    const made = plan.actions.filter(({ action }) => action === "create" || action === "replace");
    const machines = [...ready, ...(await Promise.all(gateways.values()))].map(({ machine }) => machine);
    const pointed = pointEntrypoint(session, machinesBySite(ready), formed.step);
    const [, entrypoint, api] = await settle<unknown>(
      [
        applyAddons(session, formed),
        pointed,
        pointApi(session, ready, formed.step),
        // Until now the record may have held a machine that goes, because no other answered.
        pointed
          .then(() => removeLeaving(session, work, existing, leaving))
          .then(() => removeSharedOfEmptySites(session)),
        lateDoubles(session, made, machines).then((found) => removeDoubles(session, found)),
      ],
      session.signal,
    );
    await removeStrangers(session, ready, formed.step);
    return {
      plan,
      nodes: ready
        .map((node) => describe(node, formed.nodes))
        .sort((a, b) => order(desired, a.name) - order(desired, b.name)),
      kubeconfig: session.state.path("kubeconfig") ?? formed.kubeconfig,
      ...(entrypoint ? { entrypoint: entrypoint as EntrypointState } : {}),
      ...(api ? { api: api as EntrypointState } : {}),
      timings: timings(session.steps.finished, performance.now() - started),
    };
  } finally {
    await cluster?.kubernetes.close();
    await Promise.allSettled(gateways.values());
    await connections.close();
  }
}

function isFailed({ changes }: PlanAction): boolean {
  return changes?.some(({ field }) => field === "failed") ?? false;
}

function mastersFirst(a: PlanAction, b: PlanAction): number {
  return a.role === b.role ? 0 : a.role === "master" ? -1 : 1;
}

function order(desired: readonly BootableNode[], name: string): number {
  return desired.findIndex((node) => node.name === name);
}

function describe(node: ReadyNode, found: readonly KubernetesNode[]): UpNode {
  const seen = found.find(({ name }) => name === node.name);
  return {
    name: node.name,
    site: node.site,
    roles: seen?.roles ?? [node.role],
    ...(node.machine.publicAddress ? { publicAddress: node.machine.publicAddress } : {}),
    ...(node.machine.privateAddress ? { privateAddress: node.machine.privateAddress } : {}),
    overlayAddress: node.overlayAddress,
    ready: seen?.ready ?? false,
    schedulable: seen?.schedulable ?? false,
    version: seen?.version ?? "",
  };
}
