import type { InventoryHost } from "./inventory.js";
import { proxyCommand, type SshFiles } from "./ssh-config.js";

/** An Ansible inventory (INI) with the groups `masters` and `workers`, `gateways` where the clouds made some, and one group per site. Host keys are checked against the pinned ones. */
export function toAnsible(hosts: readonly InventoryHost[], files: SshFiles): string {
  const groups: [string, readonly InventoryHost[]][] = [
    ["masters", hosts.filter(({ role }) => role === "master")],
    ["workers", hosts.filter(({ role }) => role === "worker")],
  ];
  const gateways = hosts.filter(({ role }) => role === "gateway");
  if (gateways.length > 0) groups.push(["gateways", gateways]);
  // Ansible warns about group names with a hyphen.
  for (const site of new Set(hosts.map((host) => host.site))) {
    groups.push([`site_${site.replaceAll("-", "_")}`, hosts.filter((host) => host.site === site)]);
  }
  const members = groups.map(([name, group]) =>
    [`[${name}]`, ...group.map(({ name: host }) => host)].join("\n"),
  );
  const all = hosts.map((host) => line(host, files)).join("\n");
  return `${[all, ...members].join("\n\n")}\n`;
}

function line(host: InventoryHost, files: SshFiles): string {
  const command = proxyCommand(host.jump, files);
  const options = [`-o UserKnownHostsFile=${files.knownHostsFile}`, "-o StrictHostKeyChecking=yes"];
  if (command) options.push(`-o ProxyCommand="${command}"`);
  const variables: Record<string, string | undefined> = {
    ansible_host: host.address,
    ansible_port: host.port === undefined ? undefined : String(host.port),
    ansible_user: host.user,
    ansible_ssh_private_key_file: files.privateKeyFile,
    ansible_ssh_common_args: `'${options.join(" ")}'`,
    site: host.site,
    public_address: host.publicAddress,
    private_address: host.privateAddress,
    overlay_address: host.overlayAddress,
  };
  const text = Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  return [host.name, ...text].join(" ");
}
