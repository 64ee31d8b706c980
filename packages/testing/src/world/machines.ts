import type { Duplex } from "node:stream";

/** What a cloud gives its hypervisor to start a machine. */
export interface MachineSpec {
  /** The cloud's id of it. */
  readonly id: string;
  readonly hostname: string;
  /** Image family, for example `debian-12`; decides the login user of the image and what is preinstalled. */
  readonly image: string;
  /** Login user of the image in this cloud, for example `root` at DigitalOcean. Default: the image's own. */
  readonly loginUser?: string;
  /** As the cloud's metadata service would serve it; gzip is recognised. */
  readonly userData?: string | Uint8Array;
  /** Public keys that the cloud puts on the image's login user. */
  readonly sshKeys: readonly string[];
  /** Name of the local network it stands in; `undefined` for one that only has a public address. */
  readonly lan?: string;
  readonly privateAddress?: string;
  readonly publicAddress?: string;
  /** Host keys it has already (for machines nobody boots); default: made at first boot. */
  readonly hostKeys?: readonly string[];
}

/** A program call on a machine. */
export interface ProgramCall {
  readonly machine: VirtualMachine;
  readonly args: readonly string[];
  readonly stdin: string;
  /** Login user, after sudo. */
  readonly user: string;
  /** Environment of the call. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface ProgramResult {
  readonly code: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** A program that exists once its package is installed. */
export interface Program {
  readonly name: string;
  /** Debian package that brings it; `undefined` is always there. */
  readonly package?: string;
  run(call: ProgramCall): ProgramResult | Promise<ProgramResult>;
}

/** A request that a machine sends, for example with `curl`. */
export interface WebRequest {
  readonly machine: VirtualMachine;
  readonly url: string;
  readonly signal: AbortSignal;
}

/** What a web server says to a machine. */
export interface WebAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A systemd unit that exists once its package is installed. */
export interface Unit {
  readonly name: string;
  /** Empty for one whose unit file somebody writes: what it then does is said here. */
  readonly package: string;
  /** Whether installing the package enables and starts it, as Debian's packages do. Default true. */
  readonly startOnInstall?: boolean;
  /** Milliseconds after which it is started again when it has ended by itself (`Restart=always`). Default: never. */
  readonly restartMs?: number;
  /** @param exited to be called when the program ends by itself later */
  start?(machine: VirtualMachine, exited?: () => void): void | Promise<void>;
  stop?(machine: VirtualMachine): void | Promise<void>;
}

/** What an emulator adds to machines: a package with its programs and units. */
export interface MachineModule {
  /** Package name and version. It is in Debian's archive unless `origin` names the APT source that must have been added. */
  readonly packages: readonly { readonly name: string; readonly version: string; readonly origin?: string }[];
  readonly programs?: readonly Program[];
  readonly units?: readonly Unit[];
  /** Answers what machines ask of the web; `undefined` for an address that it does not serve. Rejects with a Node `code` like a dial. */
  web?(request: WebRequest): Promise<WebAnswer | undefined>;
}

/** An entry of a machine's file system. */
export interface FileEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "socket";
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of files and symbolic links: content or target. */
  readonly content?: string;
}

/** A machine with its own file system, users, services and SSH server. */
export interface VirtualMachine {
  readonly spec: MachineSpec;
  readonly state: "booting" | "running" | "off";
  /** File access as root; paths are absolute. Not counted as effects. */
  readonly files: {
    read(path: string): string | undefined;
    write(path: string, content: string, options?: { readonly mode?: number; readonly owner?: string }): void;
    remove(path: string): void;
    exists(path: string): boolean;
    /** Everything there is, sorted by path. */
    list(): readonly FileEntry[];
  };
  readonly packages: ReadonlyMap<string, string>;
  /** Whether a user is in a group. */
  inGroup(user: string, group: string): boolean;
  unitState(name: string): "active" | "inactive" | "failed" | "missing";
  /** All its addresses: private, public, overlay. */
  addresses(): readonly string[];
  /** Names of its network interfaces, those of overlays included. */
  interfaceNames?(): readonly string[];
  /** Gives it an overlay address and an interface; returns a function that takes it away. */
  addOverlayAddress(overlay: string, address: string, interfaceName: string): () => void;
  /** TCP listener on all its addresses, present and future. Returns a function that stops it. */
  listen(port: number, accept: (stream: Duplex) => void): () => void;
  /** Unix socket that users of `group` may open over SSH (`direct-streamlocal`). Returns a function that removes it. */
  listenUnix(path: string, group: string, accept: (stream: Duplex) => void): () => void;
  /** Opens a connection as a process on this machine would. */
  dial(target: { readonly host: string; readonly port: number }): Promise<Duplex>;
  /** Data that a module keeps about this machine. */
  readonly attachments: Map<string, unknown>;
  onPowerOff(callback: () => void): void;
}

/** Something wrong with a machine, for tests. */
export type MachineFault =
  /** It runs, but no packet gets to it: dials time out. */
  | "unreachable"
  /** Its SSH server answers with a key that is none of its own, as an impostor's would. */
  | "other-host-key"
  /** cloud-init ends with an error. Only before it has ended. */
  | "cloud-init-fails"
  /** Its SSH server takes connections and then says nothing. */
  | "ssh-hangs";

/** All machines of the sandbox. */
export interface Machines {
  /** Starts a machine; it boots in virtual time: SSH answers after a while, cloud-init ends later. */
  boot(spec: MachineSpec): VirtualMachine;
  /** Power off, keep the disk. */
  stop(id: string): void;
  start(id: string): void;
  /** Power off and forget. */
  destroy(id: string): void;
  get(id: string): VirtualMachine | undefined;
  all(): readonly VirtualMachine[];
  /** Adds packages, programs and units that machines can have. */
  use(module: MachineModule): void;
  /** Lets something be wrong with a machine, by id or host name, now and when one of that name boots later. Returns a function that sets it right. */
  fault(machine: string, fault: MachineFault): () => void;
}
