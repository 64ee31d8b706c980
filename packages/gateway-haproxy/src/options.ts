import { isIP } from "node:net";
import { type GatewayMachineSpec, type JumpHost, nearest, type Problem } from "@multicloud/core/plugin";
import { parsePublicKey } from "@multicloud/ssh";

/** The machine that HAProxy runs on: a Debian or Ubuntu with systemd that reaches the site's workers. A site's `jump` host fits as it is. */
export interface GatewayHost extends JumpHost {
  /** Host, or chain of hosts (outermost first), through which SSH reaches it. Default: directly; the site's `jump` does not count. */
  readonly jump?: JumpHost | readonly JumpHost[];
  /** Unix socket of an SSH agent. Default, without `privateKeyFile`: the environment's `SSH_AUTH_SOCK`. */
  readonly agentSocket?: string;
}

/** Where HAProxy runs: on a machine that is there, or on one that the site's provider is to make. */
export type GatewayPlace =
  | {
      /** Who logs in needs to be `root` or to have passwordless sudo. The key is `privateKeyFile`'s or the agent's: unlike a jump host's it is not the cluster's own. */
      readonly host: GatewayHost;
      readonly machine?: never;
    }
  | {
      readonly host?: never;
      /**
       * Made by the site's provider with the site's other machines, under the name `<cluster>-<site>-gateway-1`, and
       * deleted with the gateway. Debian 12 or Ubuntu 22.04 and newer. What the router passes connections to should not
       * change with the machine: `providerOptions` can hold an address with OpenStack (`fixedIps`).
       */
      readonly machine: GatewayMachineSpec;
    };

/** Settings of `haproxyGateway`: where it runs, and how. */
export type HaproxyGatewayOptions = GatewayPlace & HaproxySettings;

/** How HAProxy runs. */
export interface HaproxySettings {
  /**
   * The address that the internet has for it, or `"auto"`: its own public address when its cloud gave it one, otherwise
   * what at least two of `sources` say to the machine itself.
   */
  readonly publicAddress: "auto" | (string & {});
  /** Tell workers the visitor's address by the PROXY protocol, version 2. The ingress must expect it. Default false. */
  readonly proxyProtocol?: boolean;
  /** Pass 6443 to the site's masters too. Default false. */
  readonly api?: boolean;
  /** Replace a configuration that this package has not written, or that somebody changed since. It is kept beside. Another cluster's is never replaced. Default false. */
  readonly takeOver?: boolean;
  /** Ports of the workers' ingress. Default 80 and 443. */
  readonly workerPorts?: { readonly http?: number; readonly https?: number };
  /** Port of HAProxy's statistics, on loopback. Default 8404. */
  readonly statsPort?: number;
  /** Seconds without a byte in either direction after which a connection ends. Default 3,600. */
  readonly idleSeconds?: number;
  /** Web addresses that answer with the caller's address and nothing else, for `"auto"`. Default: three well-known ones. */
  readonly sources?: readonly string[];
}

/** Asked by default for the address: of three different owners, IPv4 only. */
export const defaultSources: readonly string[] = [
  "https://api.ipify.org/",
  "https://checkip.amazonaws.com/",
  "https://ipv4.icanhazip.com/",
];

const keys = {
  root: [
    "host",
    "machine",
    "publicAddress",
    "proxyProtocol",
    "api",
    "takeOver",
    "workerPorts",
    "statsPort",
    "idleSeconds",
    "sources",
  ],
  host: ["host", "port", "user", "hostKey", "privateKeyFile", "jump", "agentSocket"],
  jump: ["host", "port", "user", "hostKey", "privateKeyFile"],
  workerPorts: ["http", "https"],
};

/** The jump hosts of a gateway's machine, outermost first. */
export function jumpsOf({ jump }: GatewayHost): readonly JumpHost[] {
  if (jump === undefined) return [];
  return "host" in jump ? [jump] : jump;
}

/** What can be known to be wrong without asking anybody. Paths are relative to the gateway. */
export function optionProblems(options: HaproxyGatewayOptions): Problem[] {
  const problems: Problem[] = unknownKeys("", options, keys.root);
  const wrong = (path: string, message: string, more: Partial<Problem> = {}) =>
    void problems.push({ path, message, ...more });
  const { host, publicAddress, sources = defaultSources } = options;
  if (host && options.machine) {
    wrong("machine", "is not needed beside host: HAProxy runs on one machine", {
      hint: "leave one of them out",
    });
  } else if (options.machine) {
    // Core and the provider judge what it is to be.
    if (typeof options.machine !== "object") wrong("machine", "is no machine", { hint: "{ size, image }" });
  } else if (typeof host !== "object" || host === null) {
    wrong("host", "the machine that HAProxy is to run on is needed", {
      hint: "host: { host, user, hostKey } for one that is there, or machine: { size, image } for one to be made",
    });
  } else {
    problems.push(...unknownKeys("host.", host, keys.host), ...hostProblems("host", host));
    for (const [index, jump] of jumpsOf(host).entries()) {
      const path = Array.isArray(host.jump) ? `host.jump[${index}]` : "host.jump";
      problems.push(...unknownKeys(`${path}.`, jump, keys.jump), ...hostProblems(path, jump));
    }
  }
  if (publicAddress !== "auto" && !(typeof publicAddress === "string" && isIP(publicAddress))) {
    wrong("publicAddress", "is no IP address", {
      given: String(publicAddress),
      allowed: ["auto", "an IP address"],
    });
  }
  if (options.workerPorts)
    problems.push(...unknownKeys("workerPorts.", options.workerPorts, keys.workerPorts));
  const ports = {
    "workerPorts.http": options.workerPorts?.http,
    "workerPorts.https": options.workerPorts?.https,
    statsPort: options.statsPort,
  };
  for (const [path, port] of Object.entries(ports)) {
    if (port !== undefined && !isPort(port))
      wrong(path, "must be a port", { given: String(port), allowed: ["1 to 65535"] });
  }
  const served = options.api ? [80, 443, 6443] : [80, 443];
  if (options.statsPort !== undefined && served.includes(options.statsPort)) {
    wrong("statsPort", "is a port that is passed on", { given: String(options.statsPort) });
  }
  const { idleSeconds } = options;
  if (
    idleSeconds !== undefined &&
    !(Number.isInteger(idleSeconds) && idleSeconds >= 1 && idleSeconds <= 2_000_000)
  ) {
    wrong("idleSeconds", "must be whole seconds above 0", { given: String(idleSeconds) });
  }
  for (const [index, source] of sources.entries()) {
    if (!/^https?:\/\//.test(source) || !URL.canParse(source))
      wrong(`sources[${index}]`, "is no http or https address", { given: source });
  }
  if (publicAddress === "auto" && new Set(sources).size < 2) {
    wrong("sources", "at least two are needed: one alone could be wrong, or lie", {
      given: String(sources.length),
    });
  }
  return problems;
}

function hostProblems(path: string, host: JumpHost): Problem[] {
  const problems: Problem[] = [];
  for (const field of ["host", "user"] as const) {
    if (!host[field]) problems.push({ path: `${path}.${field}`, message: `the ${field} is needed` });
  }
  if (host.port !== undefined && !isPort(host.port)) {
    problems.push({
      path: `${path}.port`,
      message: "must be a port",
      given: String(host.port),
      allowed: ["1 to 65535"],
    });
  }
  if (!isPublicKey(host.hostKey)) {
    problems.push({
      path: `${path}.hostKey`,
      message: "its public host key is needed in OpenSSH's one-line form, so that it can be verified",
      ...(host.hostKey ? { given: host.hostKey } : {}),
      hint: "see it on the machine itself: cat /etc/ssh/ssh_host_ed25519_key.pub",
    });
  }
  return problems;
}

function isPublicKey(line: string | undefined): boolean {
  try {
    parsePublicKey(line ?? "");
    return true;
  } catch {
    return false;
  }
}

const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535;

function unknownKeys(prefix: string, value: object, allowed: readonly string[]): Problem[] {
  return Object.keys(value)
    .filter((key) => !allowed.includes(key))
    .map((key) => {
      const suggestion = nearest(key, allowed);
      return {
        path: `${prefix}${key}`,
        message: "is not an option",
        allowed,
        ...(suggestion === undefined ? {} : { suggestion }),
      };
    });
}
