import { parse } from "yaml";
import type { VirtualMachine } from "../world/machines.js";
import type { Flavour } from "./flavour.js";
import { StartFailure } from "./start-failure.js";

/** A configuration as the program has read it. */
export interface ConfigFile {
  text(key: string): string | undefined;
  list(key: string): readonly string[];
  flag(key: string): boolean;
  /** What the program logs of it: unknown keys are skipped with a warning, not refused. */
  readonly warnings: readonly string[];
}

/** Reads `config.yaml` as the programs do: keys are flags, lists are repeated flags. */
export function readConfigFile(machine: VirtualMachine, flavour: Flavour, isServer: boolean): ConfigFile {
  const text = machine.files.read(flavour.configFile) ?? "";
  let document: unknown;
  try {
    document = parse(text) ?? {};
  } catch (error) {
    throw new StartFailure(`failed to read config file: yaml: ${(error as Error).message}`);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document))
    throw new StartFailure("failed to read config file: yaml: cannot unmarshal into yaml.MapSlice");
  const known = isServer ? flavour.serverKeys : flavour.agentKeys;
  const values = new Map<string, unknown>();
  const warnings: string[] = [];
  for (const [key, value] of Object.entries(document)) {
    if (known.has(key.replace(/\+$/, ""))) values.set(key, value);
    else warnings.push(`Unknown flag --${key} found in config.yaml, skipping`);
  }
  const scalar = (value: unknown) => (value === null || value === undefined ? undefined : String(value));
  return {
    warnings,
    text: (key) => {
      const value = values.get(key);
      return Array.isArray(value) ? scalar(value.at(-1)) : scalar(value);
    },
    list: (key) => {
      const value = values.get(key);
      if (value === undefined || value === null) return [];
      return Array.isArray(value) ? value.map(String) : String(value).split(",");
    },
    flag: (key) => values.get(key) === true || values.get(key) === "true",
  };
}
