import type { VirtualMachine } from "../../world/machines.js";
import type { World } from "../../world/world.js";
import type { KubernetesClusters } from "../clusters.js";

/** What `POST /containers/create` is given, as far as the emulator looks at it. */
export interface ContainerSpec {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly binds: readonly string[];
  /** Whether the daemon starts it again after the machine was off. */
  readonly restart: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** One container of one machine. */
export interface Container {
  readonly id: string;
  name: string;
  readonly spec: ContainerSpec;
  status: "created" | "running" | "exited";
  exitCode: number;
  logs: string;
  /** Ends what it does; set while it runs. */
  end?: (() => void) | undefined;
}

/** What a container's program can reach. */
export interface ContainerProcess {
  readonly world: World;
  readonly clusters: KubernetesClusters;
  readonly machine: VirtualMachine;
  readonly spec: ContainerSpec;
  /** A running container of the same machine, by name. */
  running(name: string): Container | undefined;
}

/** What became of a started program: it goes on until it is ended, or it has exited. */
export type ProgramState =
  | { readonly end: () => void }
  | { readonly exitCode: number; readonly logs: string };

/** A program that containers of one name run. */
export type ContainerProgram = (process: ContainerProcess) => Promise<ProgramState> | ProgramState;

/** The value of `--name=value` in a command line. */
export function flag(spec: ContainerSpec, name: string): string | undefined {
  const prefix = `--${name}=`;
  return spec.command.find((part) => part.startsWith(prefix))?.slice(prefix.length);
}
