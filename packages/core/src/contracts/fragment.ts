/**
 * What has to be true on a node, as data. A fragment has two renderings: a cloud-config document for the
 * first boot, and an idempotent script run over SSH that reports what it changed. Contributors are the
 * overlay, the engine, addons and the user; core merges their fragments in that order.
 */
export interface NodeFragment {
  /** APT repositories, added before packages are installed. */
  readonly aptSources?: readonly AptSource[];
  /** Debian package names. */
  readonly packages?: readonly string[];
  readonly directories?: readonly NodeDirectory[];
  readonly files?: readonly NodeFile[];
  readonly users?: readonly NodeUser[];
  /** Kernel settings by dotted name, kept in one file under `/etc/sysctl.d` and applied. */
  readonly sysctl?: Readonly<Record<string, string>>;
  /** Services that must be enabled and running. */
  readonly services?: readonly NodeService[];
  /** Commands run last, in order. */
  readonly commands?: readonly NodeCommand[];
  /**
   * Absolute paths of directories that packages and commands of this fragment fill by themselves, for example with
   * an identity. They change nothing on a node; from a machine that outlives the cluster those are removed that
   * were not there before.
   */
  readonly leftovers?: readonly string[];
}

/** One APT repository with the key that signs it. */
export interface AptSource {
  /** File name stem under `/etc/apt/sources.list.d` and `/etc/apt/keyrings`: `[a-z0-9-]+`. */
  readonly name: string;
  /** The `deb` line without options, for example `deb https://download.example.org/debian/bookworm bookworm main`. */
  readonly source: string;
  /** ASCII-armoured OpenPGP public key. */
  readonly key: string;
}

export interface NodeDirectory {
  readonly path: string;
  /** Octal, for example `0755` (the default). */
  readonly mode?: string;
  /** `user:group`, default `root:root`. */
  readonly owner?: string;
}

export interface NodeFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Octal, default `0644`. */
  readonly mode?: string;
  /** `user:group`, default `root:root`. */
  readonly owner?: string;
}

export interface NodeUser {
  readonly name: string;
  /** Supplementary groups; a group that does not exist is created. */
  readonly groups?: readonly string[];
  /** Passwordless sudo by a drop-in that `visudo -c` has checked. Default false. */
  readonly sudo?: boolean;
  /** Public keys in OpenSSH's one-line form. */
  readonly authorizedKeys?: readonly string[];
}

export interface NodeService {
  /** systemd unit name without `.service`. */
  readonly name: string;
  /** Paths of files; the service is restarted when this run changed one of them. */
  readonly restartOn?: readonly string[];
}

export interface NodeCommand {
  /** Name for the report, unique within a node. */
  readonly name: string;
  /** POSIX shell, run as root. */
  readonly run: string;
  /** POSIX shell; when it exits 0 the command is not needed and is not run. Without it the command runs each time and counts as changed. */
  readonly unless?: string;
}

/** What applying a fragment over SSH did. */
export interface FragmentReport {
  /** What was changed, for example `file /etc/docker/daemon.json` or `package docker.io`; empty when all was as wanted. */
  readonly changed: readonly string[];
  /** How many things were looked at. */
  readonly checked: number;
}
