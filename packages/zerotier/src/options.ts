import { isNetworkId } from "./interface-name.js";

/** A network that the cluster makes for itself. */
export interface NetworkCreation {
  /** Name people see. Default: the cluster's name. */
  readonly name?: string;
  /** Addresses of the members, for example `10.147.17.0/24`; becomes a route of the network. */
  readonly cidr: string;
  /** Part of `cidr` that is given out, both ends included. Default: all of it. */
  readonly pool?: { readonly start: string; readonly end: string };
  /** Further routes that members get, through one of them: `{ target: "192.168.1.0/24", via: "10.147.17.5" }`. */
  readonly routes?: readonly { readonly target: string; readonly via: string }[];
  /** MTU of the interface, 1280 to 10000. Default 2800, ZeroTier's own. Take 1400 where large packets get lost. */
  readonly mtu?: number;
}

/** Which service decides who is on the network. */
export type ControllerKind = "central" | "central-v2" | "self-hosted";

/** Options of {@link zerotier}. Give either `network` or `create`. */
export interface ZeroTierOptions {
  /** Id of a network that exists: 16 hexadecimal digits. Its settings are checked and never changed. */
  readonly network?: string;
  /** Make a network for this cluster, keep its settings as given here, and delete it with the cluster. */
  readonly create?: NetworkCreation;
  /**
   * `central` is my.zerotier.com (API v1), the default; `central-v2` is central.zerotier.com (API v2);
   * `self-hosted` is a ZeroTier daemon with its built-in controller.
   */
  readonly controller?: ControllerKind;
  /**
   * API token; for a self-hosted controller the content of its `authtoken.secret`. Default: the environment
   * variable `ZEROTIER_CENTRAL_TOKEN` (`ZEROTIER_CONTROLLER_TOKEN` for a self-hosted controller), read at the
   * first request.
   */
  readonly token?: string;
  /**
   * Where the API is. Default: the environment variable `ZEROTIER_CENTRAL_URL` (`ZEROTIER_CONTROLLER_URL`),
   * then the service's real address (`http://127.0.0.1:9993` for a self-hosted controller).
   */
  readonly baseURL?: string;
  /** Network group that `create` puts the network in; `central-v2` only. Default: the account's only one. */
  readonly networkGroup?: string;
  /** Fixed addresses by node name, instead of ones from the pool. They must be inside a route of the network. */
  readonly addresses?: Readonly<Record<string, string>>;
  /** Debian release of the nodes, for ZeroTier's APT repository. Default `bookworm`. */
  readonly release?: string;
  /** Key that signs the APT repository, ASCII-armoured. Default: ZeroTier's own. For a mirror that signs by itself. */
  readonly signingKey?: string;
  /** Address of the APT repository, for a mirror. Default `https://download.zerotier.com/debian/<release>`. */
  readonly repository?: string;
  /** Interfaces that ZeroTier must not use to reach its peers, by the start of their names. Default: those of Kubernetes' network plugins. */
  readonly interfacePrefixBlacklist?: readonly string[];
  /** Networks that ZeroTier must not use to reach its peers, for example the pod and service ranges. Default: none. */
  readonly blacklist?: readonly string[];
  /** Requests that may start within a second. Default 20, Central's limit without a plan; 100 with one. */
  readonly requestsPerSecond?: number;
  /** How long a node may take to get its address once it is let in, in milliseconds. Default 120,000. */
  readonly admitTimeoutMs?: number;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** What differs between the controllers outside of their APIs. */
const kinds: Record<
  ControllerKind,
  { readonly url: string; readonly tokenVariable: string; readonly urlVariable: string }
> = {
  central: {
    url: "https://api.zerotier.com/api/v1",
    tokenVariable: "ZEROTIER_CENTRAL_TOKEN",
    urlVariable: "ZEROTIER_CENTRAL_URL",
  },
  "central-v2": {
    url: "https://central.zerotier.com",
    tokenVariable: "ZEROTIER_CENTRAL_TOKEN",
    urlVariable: "ZEROTIER_CENTRAL_URL",
  },
  "self-hosted": {
    url: "http://127.0.0.1:9993",
    tokenVariable: "ZEROTIER_CONTROLLER_TOKEN",
    urlVariable: "ZEROTIER_CONTROLLER_URL",
  },
};

/** An unknown kind is refused by the options' check, which must not fail over it. */
const kindOf = (options: ZeroTierOptions) => kinds[options.controller ?? "central"] ?? kinds.central;

/** All controllers by name. */
export const controllerKinds = Object.keys(kinds) as ControllerKind[];

/** Environment variable that holds the token when the option does not. */
export function tokenVariable(options: ZeroTierOptions): string {
  return kindOf(options).tokenVariable;
}

/** The token without white space around it; `undefined` when there is none. */
export function readToken(options: ZeroTierOptions): string | undefined {
  return (options.token ?? process.env[tokenVariable(options)])?.trim() || undefined;
}

/** Where the controller's API is. */
export function readBaseURL(options: ZeroTierOptions): string {
  const kind = kindOf(options);
  return options.baseURL?.trim() || process.env[kind.urlVariable]?.trim() || kind.url;
}

/** The network id if the options name a valid one. */
export function givenNetwork(options: ZeroTierOptions): string | undefined {
  return options.network !== undefined && isNetworkId(options.network) ? options.network : undefined;
}
