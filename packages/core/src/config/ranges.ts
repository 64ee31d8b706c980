import type { Problem } from "../contracts/context.js";
import { cidrsOverlap, parseCidr } from "./cidr.js";
import type { MulticloudConfig } from "./config.js";

/** Address ranges that must not overlap: pods, services, each site's own network, and the overlay once it is known. */
export function rangeProblems(config: MulticloudConfig, overlay?: string): Problem[] {
  const { pods, services } = config.engine.cidrs;
  const problems: Problem[] = [];
  for (const [path, range] of [
    ["engine.cidrs.pods", pods],
    ["engine.cidrs.services", services],
  ] as const) {
    if (!parseCidr(range)) problems.push({ path, message: "is no IPv4 range", given: range });
  }
  const clash = (path: string, range: string, what: string, other: string) => {
    if (!cidrsOverlap(range, other)) return;
    problems.push({
      path,
      message: `overlaps the ${what} range ${other}: addresses in it could not be told apart`,
      given: range,
      hint: "choose another range for one of the two",
    });
  };
  clash("engine.cidrs.services", services, "pod", pods);
  const others: [string, string][] = Object.entries(config.sites).flatMap(([name, site]) =>
    site.cidr === undefined ? [] : [[`sites.${name}.cidr`, site.cidr] as [string, string]],
  );
  if (overlay !== undefined) others.push(["overlay", overlay]);
  for (const [path, range] of others) {
    clash(path, range, "pod", pods);
    clash(path, range, "service", services);
  }
  if (overlay !== undefined) {
    for (const [name, site] of Object.entries(config.sites)) {
      if (site.cidr !== undefined) clash(`sites.${name}.cidr`, site.cidr, "overlay", overlay);
    }
  }
  return problems;
}
