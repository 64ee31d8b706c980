import type { MergedFragment } from "./merge-fragments.js";

/** A file as both renderings put it on a node. */
export interface PlacedFile {
  readonly path: string;
  /** Octal, four digits. */
  readonly mode: string;
  /** `user:group`. */
  readonly owner: string;
  readonly content: Uint8Array;
  /**
   * True for files that can only be placed after the packages: their owner may come with a package, or `sudo`
   * must be there to check them. All others are placed before, because a daemon reads its settings when its
   * package starts it.
   */
  readonly afterPackages: boolean;
}

/** Where the kernel settings of a fragment are kept. */
export const sysctlFile = "/etc/sysctl.d/90-multicloud.conf";

/** Every file a fragment amounts to: its own, and those behind APT sources, sudo rights and kernel settings. Sorted by path. */
export function placedFiles(fragment: MergedFragment): PlacedFile[] {
  const files: PlacedFile[] = [];
  const add = (path: string, content: string | Uint8Array, mode = "0644", owner = "root:root"): void => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    files.push({
      path,
      mode,
      owner,
      content: bytes,
      afterPackages: owner !== "root:root" || isSudoers(path),
    });
  };
  for (const source of fragment.aptSources) {
    const keyring = `/etc/apt/keyrings/${source.name}.asc`;
    const line = source.source.replace(/^(deb(?:-src)?) +/, `$1 [signed-by=${keyring}] `);
    add(keyring, `${source.key.trim()}\n`);
    add(`/etc/apt/sources.list.d/${source.name}.list`, `${line}\n`);
  }
  for (const user of fragment.users) {
    if (user.sudo) add(sudoersFile(user.name), `${user.name} ALL=(ALL:ALL) NOPASSWD:ALL\n`, "0440");
  }
  const settings = Object.entries(fragment.sysctl);
  if (settings.length > 0) {
    add(sysctlFile, settings.map(([name, value]) => `${name} = ${value}\n`).join(""));
  }
  for (const file of fragment.files) add(file.path, file.content, file.mode, file.owner);
  return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** The sudo drop-in of a user. */
function sudoersFile(user: string): string {
  return `/etc/sudoers.d/90-multicloud-${user}`;
}

/** Files that `visudo` must accept before they may be put in place: a broken one would end all sudo. */
function isSudoers(path: string): boolean {
  return path === "/etc/sudoers" || path.startsWith("/etc/sudoers.d/");
}

/** The content as text when it is valid UTF-8 without control characters other than tab and newline. */
export function plainText(content: Uint8Array): string | undefined {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
  return /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/.test(text) ? undefined : text;
}
