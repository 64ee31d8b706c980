import type { GatewayPlan } from "./gateway-plan.js";
import type { Plan, PlanAction } from "./plan.js";

const sign = { create: "+", replace: "~", delete: "-", keep: " " } as const;

/** A plan as text: one line per node that changes, the counts, the price. */
export function formatPlan(plan: Plan): string {
  const lines = plan.actions.filter(({ action }) => action !== "keep").map(formatAction);
  const gateways = (plan.gateways ?? []).filter(({ action }) => action !== "keep").map(formatGateway);
  const { create, replace, delete: remove, keep } = plan.counts;
  const summary = plan.unchanged
    ? `Nothing to do: ${keep} ${keep === 1 ? "machine is" : "machines are"} as wanted.`
    : `${create} to create, ${replace} to replace, ${remove} to delete, ${keep} to keep.`;
  const price =
    plan.monthlyPriceUsd === undefined
      ? []
      : [`Price of the sites that tell: $${plan.monthlyPriceUsd.toFixed(2)} a month.`];
  return [...lines, ...gateways, summary, ...price].join("\n");
}

function formatGateway({ action, site, gateway, backends }: GatewayPlan): string {
  const mark = { create: "+", update: "~", remove: "-", keep: " " }[action];
  return `${mark} ${action} gateway ${gateway} (${site})${action === "remove" ? "" : `: in front of ${backends.join(", ") || "no worker"}`}`;
}

function formatAction({ action, node, site, changes }: PlanAction): string {
  const why = changes
    ?.map(({ field, from, to }) => (to ? `${field}: ${from} → ${to}` : from ? `${field}: ${from}` : field))
    .join(", ");
  return `${sign[action]} ${action} ${node} (${site})${why ? `: ${why}` : ""}`;
}
