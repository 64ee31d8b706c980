import { jumpsOf } from "../config/validate.js";
import type { MachineRole } from "../contracts/provider.js";
import type { JumpHost } from "../contracts/remote-host.js";
import { gatewayAddress } from "../gateway/address.js";
import { addressOf } from "../hosts/address-of.js";
import type { Session } from "../orchestrate/session.js";
import { listAll } from "../orchestrate/status.js";
import { isNodeMachine } from "../topology/topology.js";
import { toAnsible } from "./ansible.js";
import { toMermaid } from "./mermaid.js";
import { toSshConfig } from "./ssh-config.js";

/** A machine as other tools need to know it. */
export interface InventoryHost {
  readonly name: string;
  readonly site: string;
  readonly role: MachineRole;
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

/** A site's gateway as other tools need to know it. */
export interface InventoryGateway {
  readonly site: string;
  /** Name of the plugin, for example `haproxy`. */
  readonly gateway: string;
  /** Address under which the internet reaches it, when somebody knows it. */
  readonly publicAddress?: string;
}

/** All machines that run, in forms that other tools read. */
export interface Inventory {
  readonly cluster: string;
  readonly hosts: readonly InventoryHost[];
  /** Of the sites that have one. */
  readonly gateways: readonly InventoryGateway[];
  /** Ansible's INI format with the groups `masters`, `workers`, perhaps `gateways`, and one per site. */
  ansible(): string;
  /** For `ssh -F FILE NAME`. */
  sshConfig(): string;
  /** A Mermaid flowchart of sites, nodes and overlay. */
  mermaid(): string;
  toJSON(): unknown;
}

/** Lists the machines. Reads only. */
export async function inventory(session: Session): Promise<Inventory> {
  const [machines, members, gateways] = await Promise.all([
    listAll(session),
    session.config.overlay.members(session.context()),
    listGateways(session),
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
        jump: machine.jump ?? jumpsOf(site.config),
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
    gateways,
    ansible: () => toAnsible(hosts, files),
    sshConfig: () => toSshConfig(hosts, files),
    mermaid: () => toMermaid(config.name, config.overlay.name, hosts.filter(isNodeMachine), gateways),
    toJSON: () => ({ cluster: config.name, hosts, ...(gateways.length > 0 ? { gateways } : {}) }),
  };
}

async function listGateways(session: Session): Promise<readonly InventoryGateway[]> {
  const gateways = await Promise.all(
    session.sites.map(async (site) => {
      const { gateway } = site.config;
      if (!gateway) return [];
      const { address } = await gatewayAddress(session, site);
      return [
        {
          site: site.name,
          gateway: gateway.name,
          ...(address === undefined ? {} : { publicAddress: address }),
        },
      ];
    }),
  );
  return gateways.flat();
}
