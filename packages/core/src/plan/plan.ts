import type { Problem } from "../contracts/context.js";
import type { Machine, MachineRole } from "../contracts/provider.js";
import { changedFields, type SpecField } from "../topology/spec-digest.js";
import type { GatewayPlan } from "./gateway-plan.js";

/** What will happen to one machine. */
export interface PlanAction {
  readonly action: "create" | "replace" | "delete" | "keep";
  /** Name of the machine: of a node of the cluster, or of a gateway's. */
  readonly node: string;
  readonly site: string;
  readonly role: MachineRole;
  /** Why it is replaced: the changed fields, or `failed` with the cloud's fault. */
  readonly changes?: readonly {
    readonly field: SpecField | "failed";
    readonly from?: string;
    readonly to?: string;
  }[];
}

/** What `up()` would do. Making one has no effect on anything. */
export interface Plan {
  readonly cluster: string;
  readonly actions: readonly PlanAction[];
  /** Of the sites that have one; not among the counts, which are machines. */
  readonly gateways?: readonly GatewayPlan[];
  readonly counts: Readonly<Record<PlanAction["action"], number>>;
  /** True when no machine has to be made, replaced or deleted. */
  readonly unchanged: boolean;
  /** Doubts that do not stop a run. */
  readonly warnings: readonly Problem[];
  /** US dollars a month for all machines of the sites whose cloud tells its prices. */
  readonly monthlyPriceUsd?: number;
}

/** A machine as it should be. */
export interface DesiredMachine {
  readonly name: string;
  readonly site: string;
  readonly role: MachineRole;
  readonly spec: string;
  readonly size: string;
  readonly image: string;
}

/** Desired machines against those that are there, site by site. Pure. */
export function diff(
  desired: readonly DesiredMachine[],
  existing: ReadonlyMap<string, readonly Machine[]>,
): PlanAction[] {
  const actions: PlanAction[] = [];
  const wanted = new Set(desired.map(({ name }) => name));
  for (const node of desired) {
    const machine = existing
      .get(node.site)
      ?.find((one) => one.name === node.name && one.status !== "deleting");
    actions.push(actionFor(node, machine));
  }
  for (const [site, machines] of existing) {
    for (const machine of machines) {
      if (!wanted.has(machine.name) && machine.status !== "deleting") {
        actions.push({ action: "delete", node: machine.name, site, role: machine.role });
      }
    }
  }
  return actions;
}

function actionFor(node: DesiredMachine, machine: Machine | undefined): PlanAction {
  const base = { node: node.name, site: node.site, role: node.role };
  if (!machine) return { action: "create", ...base };
  if (machine.status === "failed") {
    return {
      action: "replace",
      ...base,
      changes: [{ field: "failed", ...(machine.fault ? { from: machine.fault } : {}) }],
    };
  }
  if (machine.spec === node.spec) return { action: "keep", ...base };
  return {
    action: "replace",
    ...base,
    changes: changedFields(machine.spec, node.spec).map((field) => describe(field, machine, node)),
  };
}

function describe(field: SpecField, machine: Machine, node: DesiredMachine) {
  const from = field === "size" ? machine.size : field === "image" ? machine.image : undefined;
  const to = field === "size" ? node.size : field === "image" ? node.image : undefined;
  return { field, ...(from && to && from !== to ? { from, to } : {}) };
}

/** Actions with their counts. */
export function createPlan(
  cluster: string,
  actions: readonly PlanAction[],
  extra: Pick<Plan, "warnings" | "gateways"> & { monthlyPriceUsd?: number },
): Plan {
  const counts = { create: 0, replace: 0, delete: 0, keep: 0 };
  for (const { action } of actions) counts[action] += 1;
  return {
    cluster,
    actions,
    counts,
    unchanged: counts.create + counts.replace + counts.delete === 0,
    ...extra,
  };
}
