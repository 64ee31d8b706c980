import type { InventoryHost } from "./inventory.js";

/** A Mermaid flowchart: one box per site with its nodes, all joined by the overlay. */
export function toMermaid(cluster: string, overlay: string, hosts: readonly InventoryHost[]): string {
  const sites = [...new Set(hosts.map(({ site }) => site))];
  const boxes = sites.flatMap((site) => [
    `  subgraph ${id(site)}["${site}"]`,
    ...hosts.filter((host) => host.site === site).map((host) => `    ${id(host.name)}${shape(host)}`),
    "  end",
  ]);
  const links = hosts.map((host) => `  ${id(host.name)} --- overlay`);
  return `${["flowchart LR", `  overlay(("${overlay}<br/>${cluster}"))`, ...boxes, ...links].join("\n")}\n`;
}

function shape(host: InventoryHost): string {
  const text = [host.name, host.publicAddress, host.overlayAddress].filter(Boolean).join("<br/>");
  return host.role === "master" ? `[["${text}"]]` : `["${text}"]`;
}

function id(name: string): string {
  return name.replaceAll("-", "_");
}
