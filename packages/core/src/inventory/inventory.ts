import type { Role } from "../contracts/provider.js";
import type { JumpHost } from "../contracts/remote-host.js";
import { addressOf } from "../orchestrate/node-pipeline.js";
import type { Session } from "../orchestrate/session.js";
import { listAll } from "../orchestrate/status.js";
import { toAnsible } from "./ansible.js";
import { toMermaid } from "./mermaid.js";
import { toSshConfig } from "./ssh-config.js";

/** A machine as other tools need to know it. */
export interface InventoryHost {
  readonly name: string;
  readonly site: string;
  readonly role: Role;
  /** Where SSH reaches it, through `jump`. */
  readonly address: string;
  /** Port of its SSH server, when it is not 22. */
  readonly port?: number;
  readonly user: string;
  readonly publicAddress?: string;
  readonly privateAddress?: string;
  readonly overlayAddress?: string;
  readonly jump: readonly JumpHost[];
}

/** All machines that run, in forms that other tools read. */
export interface Inventory {
  readonly cluster: string;
  readonly hosts: readonly InventoryHost[];
  /** Ansible's INI format with the groups `masters` and `workers`, and one per site. */
  ansible(): string;
  /** For `ssh -F FILE NAME`. */
  sshConfig(): string;
  /** A Mermaid flowchart of sites, nodes and overlay. */
  mermaid(): string;
  toJSON(): unknown;
}

/** Lists the machines. Reads only. */
export async function inventory(session: Session): Promise<Inventory> {
  const [machines, members] = await Promise.all([
    listAll(session),
    session.config.overlay.members(session.context()),
  ]);
  const { user, config, state } = session;
  const hosts = machines.flatMap((machine): InventoryHost[] => {
    const address = addressOf(session, machine, machine);
    if (address === undefined) return [];
    const overlayAddress = members.find(({ node }) => node === machine.name)?.address;
    const site = session.sites.find(({ name }) => name === machine.site)!;
    return [
      {
        name: machine.name,
        site: machine.site,
        role: machine.role,
        address,
        ...((machine.sshPort ?? 22) === 22 ? {} : { port: machine.sshPort! }),
        user,
        ...(machine.publicAddress ? { publicAddress: machine.publicAddress } : {}),
        ...(machine.privateAddress ? { privateAddress: machine.privateAddress } : {}),
        ...(overlayAddress ? { overlayAddress } : {}),
        jump: machine.jump ?? site.nodes[0]?.jump ?? [],
      },
    ];
  });
  hosts.sort((a, b) => (a.name < b.name ? -1 : 1));
  const files = {
    privateKeyFile: session.engineContext().privateKeyFile,
    knownHostsFile: state.path("known_hosts") ?? "known_hosts",
  };
  return {
    cluster: config.name,
    hosts,
    ansible: () => toAnsible(hosts, files),
    sshConfig: () => toSshConfig(hosts, files),
    mermaid: () => toMermaid(config.name, config.overlay.name, hosts),
    toJSON: () => ({ cluster: config.name, hosts }),
  };
}
