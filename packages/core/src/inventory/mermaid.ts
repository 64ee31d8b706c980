import type { InventoryGateway, InventoryHost } from "./inventory.js";

/** A Mermaid flowchart: one box per site with its nodes and its gateway, all nodes joined by the overlay. */
export function toMermaid(
  cluster: string,
  overlay: string,
  hosts: readonly InventoryHost[],
  gateways: readonly InventoryGateway[] = [],
): string {
  const sites = [...new Set(hosts.map(({ site }) => site))];
  const boxes = sites.flatMap((site) => [
    `  subgraph ${id(site)}["${site}"]`,
    ...hosts.filter((host) => host.site === site).map((host) => `    ${id(host.name)}${shape(host)}`),
    ...gateways.filter((one) => one.site === site).map((one) => `    ${gatewayId(one)}${gatewayShape(one)}`),
    "  end",
  ]);
  const links = hosts.map((host) => `  ${id(host.name)} --- overlay`);
  const passes = gateways.flatMap((one) =>
    hosts
      .filter(({ site, role }) => site === one.site && role === "worker")
      .map(({ name }) => `  ${gatewayId(one)} --> ${id(name)}`),
  );
  const lines = ["flowchart LR", `  overlay(("${overlay}<br/>${cluster}"))`, ...boxes, ...links, ...passes];
  return `${lines.join("\n")}\n`;
}

const gatewayId = ({ site }: InventoryGateway) => id(`${site}-gateway`);

const gatewayShape = ({ gateway, publicAddress }: InventoryGateway) =>
  `{{"${[gateway, publicAddress].filter(Boolean).join("<br/>")}"}}`;

function shape(host: InventoryHost): string {
  const text = [host.name, host.publicAddress, host.overlayAddress].filter(Boolean).join("<br/>");
  return host.role === "master" ? `[["${text}"]]` : `["${text}"]`;
}

function id(name: string): string {
  return name.replaceAll("-", "_");
}
