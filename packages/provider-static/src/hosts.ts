import { isIP } from "node:net";
import type { JumpHost, Machine, Problem, Role } from "@multicloud/core/plugin";
import { parsePublicKey } from "@multicloud/ssh";

/** A machine that exists. */
export interface StaticHost {
  /** For messages and as the machine's id; unique. It is not the node's name: that is made of cluster, site and role. */
  readonly name: string;
  /** Where SSH reaches it, through `jump` if there is one. A public IP address is an entry of the cluster too. */
  readonly address: string;
  /** Who logs in to claim it; `root`, or somebody with passwordless sudo. The cluster then logs in as its own user, which the claim makes. */
  readonly user: string;
  /** Port of its SSH server. Default 22. */
  readonly port?: number;
  /** Host, or chain of hosts (outermost first), through which SSH reaches it. Default: directly; the site's `jump` does not count for a host. */
  readonly jump?: JumpHost | readonly JumpHost[];
  /** What it may become. Default: either. */
  readonly role?: Role;
  /** Its public host key in OpenSSH's one-line form, as in its own `/etc/ssh/ssh_host_ed25519_key.pub`. It must prove this one. */
  readonly hostKey: string;
}

/** The jump hosts of a host, outermost first. */
export function jumpsOf({ jump }: StaticHost): readonly JumpHost[] {
  if (jump === undefined) return [];
  return "host" in jump ? [jump] : jump;
}

/** What is wrong with the list of hosts in itself, with paths relative to the site. */
export function hostProblems(hosts: readonly StaticHost[]): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  const places = new Map<string, number>();
  for (const [index, host] of hosts.entries()) {
    const path = `provider.hosts[${index}]`;
    const wrong = (field: string, message: string, more: Partial<Problem> = {}) =>
      void problems.push({ path: `${path}.${field}`, message, ...more });
    for (const field of ["name", "address", "user"] as const) {
      if (!host[field]) wrong(field, `the host's ${field} is needed`);
    }
    const port = host.port ?? 22;
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      wrong("port", "must be a port", { given: String(port), allowed: ["1 to 65535"] });
    }
    if (host.role !== undefined && host.role !== "master" && host.role !== "worker") {
      wrong("role", "unknown role", { given: String(host.role), allowed: ["master", "worker"] });
    }
    const keyProblem = publicKeyProblem(host.hostKey);
    if (keyProblem) {
      wrong("hostKey", keyProblem, {
        ...(host.hostKey ? { given: host.hostKey } : {}),
        hint: `see it on the host itself: cat /etc/ssh/ssh_host_ed25519_key.pub`,
      });
    }
    for (const [at, jump] of jumpsOf(host).entries()) {
      if (!jump.host || !jump.user) wrong(`jump[${at}]`, "a jump host needs a host and a user");
      const jumpKeyProblem = publicKeyProblem(jump.hostKey);
      if (jumpKeyProblem) wrong(`jump[${at}].hostKey`, jumpKeyProblem);
    }
    const twin = seen.get(host.name);
    if (twin !== undefined)
      wrong("name", "two hosts have this name", { given: `${host.name}, also hosts[${twin}]` });
    seen.set(host.name, index);
    // Behind different jump hosts the same private address is another machine.
    const place = JSON.stringify([host.address, port, jumpsOf(host).map((jump) => [jump.host, jump.port])]);
    const neighbour = places.get(place);
    if (neighbour !== undefined) {
      wrong("address", "two hosts have this address", { given: `${host.address}, also hosts[${neighbour}]` });
    }
    places.set(place, index);
  }
  return problems;
}

function publicKeyProblem(line: string | undefined): string | undefined {
  if (!line) return "the public key is needed, so that the host can be verified";
  try {
    parsePublicKey(line);
    return undefined;
  } catch {
    return "is no public key in OpenSSH's one-line form";
  }
}

// RFC 1918, RFC 6598 (carrier's NAT), RFC 3927 and 4291 (link-local), loopback, RFC 4193.
const localAddress =
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|169\.254\.|127\.|::1$|fe[89ab]|f[cd])/i;

/** Where a host is reached, as a machine has it. A name, or an address that the internet does not route, is none to enter the cluster by. */
export function addressesOf(host: StaticHost): Pick<Machine, "publicAddress" | "privateAddress"> {
  const routed = isIP(host.address) !== 0 && !localAddress.test(host.address);
  return { privateAddress: host.address, ...(routed ? { publicAddress: host.address } : {}) };
}
