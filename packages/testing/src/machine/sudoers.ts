import type { Host } from "./host.js";

/** Whether some rule lets a user become root without a password. */
export function mayWithoutPassword(host: Host, user: string): boolean {
  const { disk, accounts } = host;
  const groups = accounts.groupsOf(user).map((group) => `%${group.name}`);
  const files = [
    "/etc/sudoers",
    ...(disk.find("/etc/sudoers.d") ? disk.list("/etc/sudoers.d") : [])
      .filter((name) => !/[.~]/.test(name))
      .map((name) => `/etc/sudoers.d/${name}`),
  ];
  let allowed = false;
  for (const file of files) {
    const inode = disk.find(file);
    // sudo ignores files that others could have written.
    if (inode?.type !== "file" || inode.uid !== 0 || (inode.mode & 0o022) !== 0) continue;
    for (const line of ruleLines(Buffer.from(inode.content).toString("utf8"))) {
      const [who = "", ...rest] = line.split(/\s+/);
      if (who !== user && who !== "ALL" && !groups.includes(who)) continue;
      allowed = /NOPASSWD\s*:\s*ALL\b/.test(rest.join(" ")); // The last rule that matches wins.
    }
  }
  return allowed;
}

const ruleLines = (text: string) =>
  text
    .replace(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(#|@|Defaults|\w+_Alias)/.test(line));

/** What `visudo -c` has against a file; `undefined` when it is well-formed. */
export function checkSudoers(text: string): string | undefined {
  const lines = text.replace(/\\\n/g, " ").split("\n");
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === "" || /^(#|@include|Defaults|(User|Runas|Host|Cmnd)_Alias\s)/.test(line)) continue;
    if (
      !/^[%\w.#-]+\s+\w+\s*=\s*(\([\w%]+(\s*:\s*[\w%]+)?\)\s*)?((NOPASSWD|PASSWD|SETENV|NOEXEC)\s*:\s*)*[^(\s]\S*/.test(
        line,
      )
    )
      return `${index + 1}:${line.length}: syntax error`;
  }
  return undefined;
}
