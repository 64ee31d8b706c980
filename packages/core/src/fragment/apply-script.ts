import { createHash } from "node:crypto";
import type { NodeFragment } from "../contracts/fragment.js";
import { applyLibrary } from "./apply-script-library.js";
import { mergeFragments } from "./merge-fragments.js";
import { type PlacedFile, placedFiles, plainText } from "./placed-files.js";
import { shellQuote, shellWords } from "./shell-quote.js";

/** What the apply script does besides bringing the node to the fragment's state. */
export interface ApplyScriptOptions {
  /** Absolute paths of files to send back when all is done, in the same round trip. */
  readonly read?: readonly string[];
}

/**
 * A fragment as one POSIX shell script for the standard input of `sudo sh -s`: one channel, one round trip.
 *
 * It compares first and writes only what differs, reports each change as it happens in the line protocol of
 * {@link parseApplyLine}, and can be killed anywhere and run again. File contents and commands are in the
 * script's text, never in a program's arguments. All states are read in a few batched calls, because a fork
 * costs more than anything else here.
 *
 * @throws ValidationError when the fragment is wrong in itself.
 */
export function renderApplyScript(fragment: NodeFragment, options: ApplyScriptOptions = {}): string {
  const merged = mergeFragments([fragment]);
  const files = placedFiles(merged);
  const { directories, users, services, commands, packages } = merged;
  const early = <T extends { readonly owner?: string }>(item: T): boolean => item.owner === "root:root";
  const steps: string[] = ["mc_facts"];

  if (files.length + directories.length > 0) {
    const paths = shellWords([...directories, ...files].map(({ path }) => path));
    const hashed = files.length > 0 ? `; sha256sum -- ${shellWords(files.map(({ path }) => path))}` : "";
    steps.push(
      `mc_probe() { mc_state="$mc_nl$({ stat -L -c '%a %U:%G %n' -- ${paths}${hashed}; } 2>/dev/null)$mc_nl"; }`,
    );
    steps.push("mc_probe");
  }
  steps.push(restartRules(services));
  steps.push(
    ...directoryGroups(directories.filter(early)),
    ...fileGroups(files.filter((file) => !file.afterPackages)),
  );
  if (packages.length > 0) steps.push(`mc_packages ${shellWords(packages)}`);
  // Rights before keys: whoever can log in after a cut here can also do what undoes it.
  steps.push(...fileGroups(files.filter((file) => file.afterPackages && early(file))));
  if (users.length > 0) steps.push("mc_accounts");
  for (const { name, groups = [], authorizedKeys = [] } of users) {
    steps.push(`mc_user ${name} ${shellWords(groups)}`);
    if (authorizedKeys.length > 0) steps.push(`mc_keys ${name} ${shellWords(authorizedKeys)}`);
  }
  steps.push(
    ...directoryGroups(directories.filter((directory) => !early(directory))),
    ...fileGroups(files.filter((file) => !early(file))),
  );
  const settings = Object.entries(merged.sysctl);
  if (settings.length > 0) {
    steps.push(`mc_settings=$(sysctl ${shellWords(settings.map(([name]) => name))} 2>/dev/null)`);
    for (const [name, value] of settings)
      steps.push(`mc_setting ${name} ${shellQuote(value.trim().replace(/\s+/g, " "))}`);
  }
  if (files.length > 0) steps.push("mc_reload");
  if (services.length > 0) steps.push(`mc_services ${shellWords(services.map(({ name }) => name))}`);
  for (const { name, run, unless } of commands) {
    steps.push(
      `mc_command ${shellQuote(name)} ${shellQuote(run)}${unless === undefined ? "" : ` ${shellQuote(unless)}`}`,
    );
  }
  for (const path of options.read ?? []) steps.push(`mc_read ${shellQuote(path)}`);
  steps.push('mc_say "done$mc_tab$mc_checked$mc_tab$mc_changed"');
  // Everything is inside a function that the last line calls: a script that was cut off on its way does nothing.
  return `mc_main() {\n${applyLibrary}\n${steps.filter(Boolean).join("\n")}\n}\nmc_main </dev/null\n`;
}

function directoryGroups(directories: readonly { path: string; mode?: string; owner?: string }[]): string[] {
  return groupsOf(directories).map(
    ([mode, owner, group]) => `mc_directories ${mode} ${owner} ${shellWords(group.map(({ path }) => path))}`,
  );
}

function fileGroups(files: readonly PlacedFile[]): string[] {
  return groupsOf(files).flatMap(([mode, owner, group]) => [
    `mc_group ${mode} ${owner}`,
    ...group.map((file) => {
      const digest = createHash("sha256").update(file.content).digest("hex");
      return `if mc_differs ${digest} ${shellQuote(file.path)}; then ${content(file.content)} || mc_fail "file $mc_path" $?; fi`;
    }),
    "mc_place",
  ]);
}

/** Things of one mode and owner, so that one chmod and one chown do for all. */
function groupsOf<T extends { readonly mode?: string; readonly owner?: string }>(
  items: readonly T[],
): [mode: string, owner: string, group: T[]][] {
  const groups = new Map<string, [string, string, T[]]>();
  for (const item of items) {
    // As stat prints it: no leading zeros.
    const mode = Number.parseInt(item.mode ?? "0755", 8).toString(8);
    const owner = item.owner ?? "root:root";
    const key = `${mode} ${owner}`;
    const group = groups.get(key) ?? [mode, owner, []];
    group[2].push(item);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** The shell command that writes a content to `$mc_new`. printf is built into the shell: nothing shows in a process list. */
function content(bytes: Uint8Array): string {
  if (bytes.length === 0) return ': >"$mc_new"';
  const text = plainText(bytes);
  if (text !== undefined) return `printf %s ${shellQuote(text)} >"$mc_new"`;
  return `printf %s ${Buffer.from(bytes).toString("base64")} | base64 -d >"$mc_new"`;
}

/** Which services a changed file makes pending. Called before the file is put in place, so that a kill between the two loses no restart. */
function restartRules(services: readonly { name: string; restartOn?: readonly string[] }[]): string {
  const rules = new Map<string, string[]>();
  for (const { name, restartOn = [] } of services) {
    for (const path of restartOn) rules.set(path, [...(rules.get(path) ?? []), name]);
  }
  const cases = [...rules].map(([path, names]) => `${shellQuote(path)}) mc_pend ${shellWords(names)};;`);
  return `mc_touched() { case $1 in ${cases.join(" ")} *) ;; esac; }`;
}
