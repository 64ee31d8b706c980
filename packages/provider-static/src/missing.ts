import { fragmentPaths, MulticloudError, type NodeFragment } from "@multicloud/core/plugin";
import { type SshHost, shellQuote } from "@multicloud/ssh";
import { type Made, nothingMade } from "./claim.js";

/** What of these configurations is not on the host yet. One round trip; reads only. */
export async function missingOn(
  remote: SshHost,
  fragments: readonly NodeFragment[],
  signal: AbortSignal,
): Promise<Made> {
  if (fragments.length === 0) return nothingMade;
  const paths = fragments.map(fragmentPaths);
  const all = <T>(items: readonly (readonly T[] | undefined)[]) => [
    ...new Set(items.flatMap((one) => one ?? [])),
  ];
  const users = all(fragments.map((fragment) => fragment.users?.map(({ name }) => name)));
  const words = (items: readonly string[]) => items.map(shellQuote).join(" ");
  const each = (kind: string, items: readonly string[], present: string) =>
    items.length === 0
      ? ""
      : `for one in ${words(items)}; do ${present} > /dev/null 2>&1 || printf '${kind} %s\\n' "$one"; done`;
  const script = [
    each("users", users, 'id -u "$one"'),
    each(
      "packages",
      all(fragments.map(({ packages }) => packages)),
      `dpkg-query -W -f '\${db:Status-Status}\\n' "$one" 2> /dev/null | grep -qx installed`,
    ),
    each("files", all(paths.map(({ files }) => files)), 'test -e "$one"'),
    each("directories", all(paths.map(({ directories }) => directories)), 'test -d "$one"'),
    each("leftovers", all(paths.map(({ leftovers }) => leftovers)), 'test -e "$one"'),
    "true",
  ]
    .filter((line) => line !== "")
    .join("\n");
  // As root: a login user may not look into every directory.
  const { code, stdout, stderr } = await remote.exec(script, { sudo: true, signal, timeoutMs: 60_000 });
  if (code !== 0) {
    throw new MulticloudError(`what the host at ${remote.address} has could not be read: ${stderr.trim()}`, {
      code: "REMOTE_COMMAND_FAILED",
      service: "ssh",
      hint: "the login user needs passwordless sudo",
    });
  }
  const found = (kind: keyof Made) =>
    stdout.split("\n").flatMap((line) => (line.startsWith(`${kind} `) ? [line.slice(kind.length + 1)] : []));
  return {
    users: found("users"),
    packages: found("packages"),
    files: found("files"),
    directories: found("directories"),
    leftovers: found("leftovers"),
  };
}
