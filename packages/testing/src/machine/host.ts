import type { Clock } from "../world/clock.js";
import type { VirtualMachine, WebAnswer } from "../world/machines.js";
import type { Timing } from "../world/timing.js";
import type { Accounts } from "./accounts.js";
import type { ChangeLog } from "./change-log.js";
import type { CloudInit } from "./cloud-init.js";
import type { Credentials, Disk } from "./disk.js";
import type { FileView } from "./file-view.js";
import type { Kernel } from "./kernel.js";
import type { Packages } from "./packages.js";
import type { ProcessStart, ScriptStart, Shell } from "./shell/shell.js";
import type { Units } from "./units.js";

/** What programs see of the machine that they run on. */
export interface Host {
  readonly machine: VirtualMachine;
  readonly disk: Disk;
  readonly accounts: Accounts;
  readonly packages: Packages;
  readonly units: Units;
  readonly kernel: Kernel;
  readonly cloudInit: CloudInit;
  readonly clock: Clock;
  readonly timing: Timing;
  /** A program of the sandbox, or `undefined` for one of the text utilities. */
  command(name: string): Command | undefined;
  commandNames(): readonly string[];
  /** Asks the web as a program here would; `undefined` for a host that has no address. */
  web(url: string, signal: AbortSignal): Promise<WebAnswer | undefined>;
  /** Runs a script in a shell process of its own. Returns its exit code; rejects when it was killed. */
  startShell(start: ProcessStart, script: ScriptStart): Promise<number>;
  interfaces(): readonly NetworkInterface[];
  hostname(): string;
  setHostname(name: string): void;
  /** Process id of the SSH server, as its pid file has it. */
  sshdPid(): string;
  /** New connections get the host keys that are on the disk now. True when those are others than before. */
  reloadSsh(): boolean;
  reboot(): void;
}

/** A network interface with its addresses (`address/prefix`). */
export interface NetworkInterface {
  readonly name: string;
  readonly mtu: number;
  readonly mac: string;
  readonly addresses: readonly string[];
}

/** A call of one of the sandbox's programs. */
export interface CommandCall {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly host: Host;
  readonly shell: Shell;
  readonly who: Credentials;
  readonly view: FileView;
  readonly changes: ChangeLog;
  readonly signal: AbortSignal;
  /** All of standard input. */
  input(): Promise<Buffer>;
  /** Absolute path of an argument. */
  path(argument: string): string;
  /** Runs another program in the same place, with the same descriptors unless told otherwise. */
  run(
    argv: readonly string[],
    overrides?: {
      readonly env?: Readonly<Record<string, string>>;
      readonly stdin?: string;
      readonly signal?: AbortSignal;
    },
  ): Promise<number>;
  /** Writes to standard output at once. */
  print(text: string): Promise<void>;
}

/** How a program ended. Default code 0. */
export interface CommandResult {
  readonly code?: number;
  readonly stdout?: string | Uint8Array;
  readonly stderr?: string;
}

/** One of the sandbox's programs. An error with a Node `code` becomes its message and exit code 1. */
export type Command = (call: CommandCall) => CommandResult | Promise<CommandResult>;

/** Programs that belong together. */
export type CommandFamily = Readonly<Record<string, Command>>;

/** A failure as a program reports it. */
export function failure(call: Pick<CommandCall, "name">, message: string, code = 1): CommandResult {
  return { code, stderr: `${call.name}: ${message}\n` };
}

/** `undefined` unless the caller is not root: what a program says then. */
export function needsRoot(
  call: Pick<CommandCall, "name" | "who">,
  message = "Permission denied",
): CommandResult | undefined {
  return call.who.uid === 0 ? undefined : failure(call, message);
}
