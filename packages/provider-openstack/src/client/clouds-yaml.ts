import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { MulticloudError, nearest } from "@multicloud/core/plugin";

/** Where the search for `clouds.yaml` looks; each default is read from the process when the search runs. */
export interface CloudsSearch {
  /** A file that is read instead of searching. */
  readonly cloudsFile?: string;
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default `process.cwd()`. */
  readonly currentFolder?: string;
  /** Default `os.homedir()`. */
  readonly homeFolder?: string;
}

/** One entry of `clouds.yaml` with `secure.yaml` and its vendor's profile merged in, and the file it came from. */
export interface CloudEntry {
  readonly file: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

type Mapping = Record<string, unknown>;

/**
 * Reads one cloud the way every OpenStack tool does (openstacksdk, "Configuration Files"): the first
 * `clouds.yaml` of `OS_CLIENT_CONFIG_FILE`, the current folder, `~/.config/openstack`, `/etc/openstack`;
 * over it the first `secure.yaml` of `OS_CLIENT_SECURE_FILE`, the folder of the file found, and the same
 * places; and under it the entry that its `profile` names in the first `clouds-public.yaml` of
 * `OS_CLIENT_VENDOR_FILE` and the same places. The profiles that openstacksdk brings along, and those that a
 * vendor serves at a URL, are not known here. Throws `CONFIG_INVALID` when there is no file, no such cloud (with the nearest name), or no YAML.
 */
export async function readCloud(cloud: string, search: CloudsSearch = {}): Promise<CloudEntry> {
  const env = search.env ?? process.env;
  const home = search.homeFolder ?? homedir();
  const folders = [
    search.currentFolder ?? process.cwd(),
    join(env.XDG_CONFIG_HOME || join(home, ".config"), "openstack"),
    "/etc/openstack",
  ];
  const places = search.cloudsFile
    ? [search.cloudsFile]
    : [...(env.OS_CLIENT_CONFIG_FILE ? [env.OS_CLIENT_CONFIG_FILE] : []), ...named("clouds", folders)];
  const found = await firstFile(places);
  if (!found) {
    throw new MulticloudError(`no clouds.yaml for cloud "${cloud}"`, {
      code: "CONFIG_INVALID",
      hint: `looked at ${places.join(", ")}; put one there, set OS_CLIENT_CONFIG_FILE, or give \`auth\``,
    });
  }
  const clouds = asMapping(asMapping(found.content).clouds);
  const entry = clouds[cloud];
  if (entry === undefined) throw unknownCloud(cloud, found.file, Object.keys(clouds));

  const secureFolders = [dirname(found.file), ...folders];
  const secure = await firstFile([
    ...(env.OS_CLIENT_SECURE_FILE ? [env.OS_CLIENT_SECURE_FILE] : []),
    ...named("secure", secureFolders),
  ]);
  const secret = secure ? asMapping(asMapping(secure.content).clouds)[cloud] : undefined;
  const own = merge(asMapping(entry), asMapping(secret));
  const profile = own.profile ?? own.cloud;
  if (typeof profile !== "string") return { file: found.file, entry: own };
  const vendors = await firstFile([
    ...(env.OS_CLIENT_VENDOR_FILE ? [env.OS_CLIENT_VENDOR_FILE] : []),
    ...named("clouds-public", secureFolders),
  ]);
  const known = asMapping(asMapping(vendors?.content)["public-clouds"]);
  if (known[profile] !== undefined) return { file: found.file, entry: merge(asMapping(known[profile]), own) };
  // Without the profile the entry may still say all that is needed.
  if (asMapping(own.auth).auth_url !== undefined) return { file: found.file, entry: own };
  throw unknownProfile(cloud, found.file, profile, Object.keys(known));
}

/** The names that a file may have, in each folder. */
function named(name: string, folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    ["yaml", "yml", "json"].map((ending) => join(folder, `${name}.${ending}`)),
  );
}

function unknownProfile(
  cloud: string,
  file: string,
  profile: string,
  known: readonly string[],
): MulticloudError {
  const suggestion = nearest(profile, known);
  return new MulticloudError(
    `cloud "${cloud}" in ${file} takes its settings from the profile "${profile}", which is not known${suggestion ? `; did you mean "${suggestion}"?` : ""}`,
    {
      code: "CONFIG_INVALID",
      hint: `openstacksdk brings profiles along that are not read here: put auth_url and region_name into the entry, or the profile into clouds-public.yaml${known.length ? ` (it has: ${known.join(", ")})` : ""}`,
    },
  );
}

function unknownCloud(cloud: string, file: string, known: readonly string[]): MulticloudError {
  const suggestion = nearest(cloud, known);
  return new MulticloudError(
    `${file} has no cloud "${cloud}"${suggestion ? `; did you mean "${suggestion}"?` : ""}`,
    {
      code: "CONFIG_INVALID",
      hint: known.length ? `it has: ${known.join(", ")}` : "it has no clouds at all",
    },
  );
}

async function firstFile(
  places: readonly string[],
): Promise<{ readonly file: string; readonly content: unknown } | undefined> {
  for (const file of places) {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOENT" || code === "ENOTDIR") continue;
      throw new MulticloudError(`cannot read ${file}: ${code}`, { code: "CONFIG_INVALID", cause: error });
    }
    return { file, content: await parseYaml(file, text) };
  }
  return undefined;
}

async function parseYaml(file: string, text: string): Promise<unknown> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  const [error] = document.errors;
  if (!error) return document.toJS();
  // The parser's own message quotes the line, which may hold a password: only its place is told.
  const place = error.linePos?.[0];
  throw new MulticloudError(`${file} is not valid YAML${place ? ` at line ${place.line}` : ""}`, {
    code: "CONFIG_INVALID",
    hint: `the parser says ${error.code}`,
  });
}

function merge(base: Mapping, over: Mapping): Mapping {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    result[key] = isMapping(value) && isMapping(result[key]) ? merge(result[key], value) : value;
  }
  return result;
}

function asMapping(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
