import type { Problem } from "../contracts/context.js";
import type { NodeDirectory, NodeFile, NodeFragment, NodeService, NodeUser } from "../contracts/fragment.js";
import { ValidationError } from "../errors/multicloud-error.js";
import { fragmentProblems } from "./check-fragment.js";
import { placedFiles } from "./placed-files.js";

/** A fragment and who wants it, for example `overlay zerotier`; the name appears in errors. */
export interface ContributedFragment {
  readonly from: string;
  readonly fragment: NodeFragment;
}

/** A merged fragment has every list and every default, in a fixed order: equal wishes are deeply equal. */
export type MergedFragment = Required<NodeFragment>;

/**
 * Joins fragments into one. The result does not depend on who wished first, except for the order of commands:
 * everything else is sorted by name or path, lists of one user or service are united, equal wishes count once.
 * Wishes that cannot both be true (two contents for a path, two values for a kernel setting, two commands of
 * a name) and fragments that are wrong in themselves throw one `ValidationError` with all problems, each
 * naming its contributors.
 */
export function mergeFragments(
  contributions: readonly (NodeFragment | ContributedFragment)[],
): MergedFragment {
  const problems: Problem[] = [];
  const named = contributions.map((entry, index) =>
    isContribution(entry) ? entry : { from: `fragment ${index + 1}`, fragment: entry },
  );
  for (const { from, fragment } of named) {
    for (const problem of fragmentProblems(fragment)) {
      problems.push({ ...problem, message: `${problem.message} (wanted by ${from})` });
    }
  }

  const unite = <T>(
    section: keyof NodeFragment,
    items: (fragment: NodeFragment) => readonly T[],
    id: (item: T) => string,
    join: (one: T, other: T) => T | undefined,
  ): T[] => {
    const found = new Map<string, { item: T; from: string }>();
    for (const { from, fragment } of named) {
      for (const item of items(fragment)) {
        const key = id(item);
        const known = found.get(key);
        const joined = known ? join(known.item, item) : item;
        if (known && joined === undefined) {
          problems.push({
            path: `${section}.${key}`,
            message: `${known.from} and ${from} want it differently`,
            hint: "change one of the two, or leave it to one of them",
          });
        } else {
          found.set(key, { item: joined as T, from: known?.from ?? from });
        }
      }
    }
    return [...found.values()].map(({ item }) => item);
  };

  const merged: MergedFragment = {
    aptSources: unite("aptSources", (f) => f.aptSources ?? [], nameOf, same).sort(by(nameOf)),
    packages: union(named.flatMap(({ fragment }) => fragment.packages ?? [])),
    directories: unite("directories", (f) => (f.directories ?? []).map(fullDirectory), pathOf, same).sort(
      by(pathOf),
    ),
    files: unite("files", (f) => (f.files ?? []).map(fullFile), pathOf, sameFile).sort(by(pathOf)),
    users: unite("users", (f) => (f.users ?? []).map(fullUser), nameOf, bothUsers).sort(by(nameOf)),
    sysctl: Object.fromEntries(
      unite(
        "sysctl",
        (f) => Object.entries(f.sysctl ?? {}),
        ([name]) => name,
        same,
      ).sort(by(([name]) => name)),
    ),
    services: unite("services", (f) => (f.services ?? []).map(fullService), nameOf, bothServices).sort(
      by(nameOf),
    ),
    commands: unite("commands", (f) => f.commands ?? [], nameOf, same),
    leftovers: union(named.flatMap(({ fragment }) => fragment.leftovers ?? [])),
  };
  const taken = new Set(merged.directories.map(pathOf));
  for (const { path } of placedFiles(merged)) {
    if (taken.has(path)) {
      problems.push({
        path: `files.${path}`,
        message: "is wanted twice: also as a directory, or made from aptSources, users or sysctl",
      });
    }
    taken.add(path);
  }
  if (problems.length > 0) throw new ValidationError(problems);
  return merged;
}

function isContribution(entry: NodeFragment | ContributedFragment): entry is ContributedFragment {
  return "fragment" in entry;
}

const nameOf = (item: { readonly name: string }): string => item.name;
const pathOf = (item: { readonly path: string }): string => item.path;

/** By code unit, so that the order does not depend on the operator's locale. */
function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
}

function union(values: readonly string[]): string[] {
  return [...new Set(values)].sort(by((value) => value));
}

function fullDirectory({ path, mode = "0755", owner = "root:root" }: NodeDirectory): NodeDirectory {
  return { path, mode: fourDigits(mode), owner };
}

function fullFile({ path, content, mode = "0644", owner = "root:root" }: NodeFile): NodeFile {
  return { path, content, mode: fourDigits(mode), owner };
}

function fullUser({ name, groups = [], sudo = false, authorizedKeys = [] }: NodeUser): NodeUser {
  return { name, groups: union(groups), sudo, authorizedKeys: union(authorizedKeys) };
}

function fullService({ name, restartOn = [] }: NodeService): NodeService {
  return { name, restartOn: union(restartOn) };
}

function fourDigits(mode: string): string {
  return mode.padStart(4, "0");
}

function same<T>(one: T, other: T): T | undefined {
  return JSON.stringify(sortedKeys(one)) === JSON.stringify(sortedKeys(other)) ? one : undefined;
}

function sortedKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(by(([key]) => key));
}

function sameFile(one: NodeFile, other: NodeFile): NodeFile | undefined {
  const alike = one.mode === other.mode && one.owner === other.owner;
  return alike && Buffer.from(one.content).equals(Buffer.from(other.content)) ? one : undefined;
}

function bothUsers(one: NodeUser, other: NodeUser): NodeUser {
  return fullUser({
    name: one.name,
    groups: [...(one.groups ?? []), ...(other.groups ?? [])],
    sudo: one.sudo === true || other.sudo === true,
    authorizedKeys: [...(one.authorizedKeys ?? []), ...(other.authorizedKeys ?? [])],
  });
}

function bothServices(one: NodeService, other: NodeService): NodeService {
  return fullService({ name: one.name, restartOn: [...(one.restartOn ?? []), ...(other.restartOn ?? [])] });
}
