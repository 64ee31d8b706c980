import type { JumpHost } from "../contracts/remote-host.js";
import type { InventoryHost } from "./inventory.js";

/** Files that SSH clients need. */
export interface SshFiles {
  readonly privateKeyFile: string;
  readonly knownHostsFile: string;
}

/** An OpenSSH client configuration (`ssh_config(5)`) that knows every machine by its name. */
export function toSshConfig(hosts: readonly InventoryHost[], files: SshFiles): string {
  const blocks = hosts.map((host) => {
    const command = proxyCommand(host.jump, files);
    return [
      `Host ${host.name}`,
      `  HostName ${host.address}`,
      ...(host.port ? [`  Port ${host.port}`] : []),
      `  User ${host.user}`,
      `  IdentityFile ${files.privateKeyFile}`,
      "  IdentitiesOnly yes",
      `  HostKeyAlias ${host.name}`,
      `  UserKnownHostsFile ${files.knownHostsFile}`,
      "  StrictHostKeyChecking yes",
      ...(command ? [`  ProxyCommand ${command}`] : []),
    ].join("\n");
  });
  return `${blocks.join("\n\n")}\n`;
}

/**
 * The command that dials through a chain of jump hosts, `undefined` without one. `ProxyJump` would not do:
 * it gives no way to name the key of a hop.
 */
export function proxyCommand(jump: readonly JumpHost[], files: SshFiles): string | undefined {
  if (jump.length === 0) return undefined;
  const last = jump.at(-1)!;
  const before = jump.slice(0, -1).map(({ user, host, port = 22 }) => `${user}@${host}:${port}`);
  const via = before.length > 0 ? ` -J ${before.join(",")}` : "";
  return `ssh -i ${last.privateKeyFile ?? files.privateKeyFile}${via} -p ${last.port ?? 22} -W %h:%p ${last.user}@${last.host}`;
}
