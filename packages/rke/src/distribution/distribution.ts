import type { ConfigKeys } from "./config-keys.js";

/** What differs between K3s and RKE2. Everything else is one implementation. */
export interface Distribution {
  readonly name: "k3s" | "rke2";
  /** As people write it, for messages. */
  readonly title: string;
  readonly defaultVersion: string;
  /** Port of a server on which others join (K3s and RKE2 docs, "Networking requirements"). */
  readonly supervisorPort: number;
  readonly serverUnit: string;
  readonly agentUnit: string;
  /** Scripts that end and remove a node, by what it is. */
  readonly uninstallers: readonly string[];
  readonly program: string;
  /** Where a release's files are; the version and the file are appended. */
  readonly releases: string;
  /** Where the installer of a version is; the version and `install.sh` are appended. */
  readonly scripts: string;
  /** Name of the file to install, and of the images for a machine without the internet (any of these). */
  files(architecture: Architecture): { readonly main: string; readonly images: readonly string[] };
  /** Shell that makes an installation of the verified files in `$stage`. `role` is `server` or `agent`. */
  installCommand(role: ServiceRole, architecture: Architecture): string;
  readonly keys: ConfigKeys;
  /** Keys that make flannel use an interface, for every node. */
  interfaceConfig(interfaceName: string): Readonly<Record<string, string>>;
  /** Manifests that make the CNI use an interface; they must lie there before the first start. */
  interfaceManifests(interfaceName: string, cni: string): Readonly<Record<string, string>>;
  /** Keys that the first server of a new cluster needs. */
  readonly beginConfig: Readonly<Record<string, boolean>>;
  /** Keys, files, and kernel settings of the hardened profile. */
  readonly hardened: Hardening;
}

/** What the CIS profile asks for. */
export interface Hardening {
  readonly server: Readonly<Record<string, string | boolean | readonly string[]>>;
  readonly agent: Readonly<Record<string, string | boolean | readonly string[]>>;
  /** By path, for servers. */
  readonly files: Readonly<Record<string, string>>;
  /** Whether etcd runs as a user of its own, which has to exist. */
  readonly etcdUser: boolean;
}

export type ServiceRole = "server" | "agent";

/** Architectures that both distributions are released for, as they name them. */
export type Architecture = "amd64" | "arm64";

/** Directories and files of a node, which follow from the name alone. */
export function pathsOf({ name }: Pick<Distribution, "name">) {
  const configuration = `/etc/rancher/${name}`;
  const data = `/var/lib/rancher/${name}`;
  return {
    configuration,
    data,
    config: `${configuration}/config.yaml`,
    token: `${configuration}/token`,
    registries: `${configuration}/registries.yaml`,
    /** What this package notes about the node, where no uninstaller removes it. */
    mark: `/etc/rancher/multicloud-${name}.json`,
    kubeconfig: `${configuration}/${name}.yaml`,
    manifests: `${data}/server/manifests`,
    images: `${data}/agent/images`,
    /** Downloads that are still to be verified. */
    stage: `/var/lib/rancher/multicloud-${name}`,
    serverCa: `${data}/server/tls/server-ca.crt`,
    agentCa: `${data}/agent/server-ca.crt`,
    serverToken: `${data}/server/token`,
    etcd: `${data}/server/db/etcd`,
    balancer: `${data}/agent/etc/${name}-agent-load-balancer.json`,
    nodePassword: "/etc/rancher/node/password",
  } as const;
}
