import { applyLock, MulticloudError, type SiteContext, scriptUnderLock } from "@multicloud/core/plugin";
import { type SshHost, shellQuote } from "@multicloud/ssh";
import { type Claim, claimFile, isOurs, parseClaim, renderClaim } from "./claim.js";

/** Packages without which the host could not be reached any more. */
const keptPackages = new Set(["sudo", "openssh-server", "openssh-client"]);

/** Gives a host back: what the claim made is undone, and the claim itself goes last. One that is not this node's any more is left alone. */
export async function releaseHost(remote: SshHost, context: SiteContext, node: string): Promise<void> {
  const { signal } = context;
  const { stdout } = await remote.exec(`cat ${claimFile} 2> /dev/null || true`, { signal });
  const claim = stdout === "" ? undefined : parseClaim(stdout);
  if (!claim || !isOurs(context, claim) || claim.node !== node) return;
  // From here on the host is no node: a run that is cut off is not to look for the user that is gone.
  if (claim.state !== "releasing") await writeClaim(remote, { ...claim, state: "releasing" }, signal);
  // A run that was cut off may have left its script at work there.
  const script = scriptUnderLock(undoScript(claim), applyLock);
  const undone = await remote.exec(script, { sudo: true, signal, timeoutMs: 30 * 60_000 });
  for (const line of undone.stdout.split("\n").filter((one) => one.startsWith("left "))) {
    const message = `${line.slice("left ".length)} stays on the host: something else needs it`;
    context.report({ type: "log", level: "warn", node, source: "static", message });
  }
  if (undone.code === 0) return;
  throw new MulticloudError(
    `${node} could not be given back: ${undone.stderr.trim() || `exit code ${undone.code}`}`,
    {
      code: "REMOTE_COMMAND_FAILED",
      site: context.site,
      node,
      service: "ssh",
      hint: "correct the cause on the host and run destroy() again",
    },
  );
}

/** A claim that somebody tampered with must not cost the host its system: `/var/lib/x`, not `/var/lib`. */
export const isBelowSystem = (path: string) => /^(\/[^/.][^/]*){3,}$/.test(path);

function undoScript({ made, keys }: Claim): string {
  const users = made.users.map((name) => {
    const user = shellQuote(name);
    // Forced: the cluster's own connection as this user may not have ended yet.
    return `if id -u ${user} > /dev/null 2>&1; then userdel -r -f ${user} 2> /dev/null || test $? = 12 || exit 1; fi
rm -f ${shellQuote(`/etc/sudoers.d/90-multicloud-${name}`)} || exit 1`;
  });
  const kept = Object.entries(keys)
    .filter(([name]) => !made.users.includes(name))
    .flatMap(([name, lines]) =>
      lines.map(
        (key) => `home=$(getent passwd ${shellQuote(name)} | cut -d: -f6)
file=$home/.ssh/authorized_keys
if test -n "$home"; then rm -f "$file.mc-new" || exit 1; fi
if test -n "$home" && grep -qxF ${shellQuote(key)} "$file" 2> /dev/null; then
  grep -vxF ${shellQuote(key)} "$file" > "$file.new"
  cat "$file.new" > "$file" && rm -f "$file.new" || exit 1
fi`,
      ),
    );
  const files = made.files.map(shellQuote);
  const leftovers = made.leftovers.filter(isBelowSystem).map(shellQuote);
  // The deepest first, and only what is empty: what somebody put there is not ours.
  const directories = [...made.directories].sort((a, b) => b.length - a.length).map(shellQuote);
  return [
    removePackages(made.packages.filter((name) => !keptPackages.has(name))),
    // After the packages: a daemon that still runs would fill them again.
    ...(leftovers.length > 0 ? [`rm -rf ${leftovers.join(" ")} || exit 1`] : []),
    ...(files.length > 0 ? [`rm -f ${files.join(" ")} || exit 1`] : []),
    ...directories.map((path) => `rmdir ${path} 2> /dev/null || true`),
    ...users,
    ...kept,
    `rm -f ${claimFile} ${claimFile}.*.new || exit 1`,
    "rmdir /etc/multicloud 2> /dev/null || true",
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** dpkg refuses what an installed package depends on, where APT would take that package away too. It waits for no lock. */
function removePackages(names: readonly string[]): string {
  if (names.length === 0) return "";
  const words = names.map(shellQuote).join(" ");
  return `export DEBIAN_FRONTEND=noninteractive
there() {
  for one in ${words}; do
    if dpkg-query -W -f '\${db:Status-Status}\\n' "$one" 2> /dev/null | grep -qx installed; then printf '%s\\n' "$one"; fi
  done
}
tries=0
while left=$(there) && test -n "$left"; do
  said=$(dpkg --purge $left 2>&1 < /dev/null)
  tries=$((tries + 1))
  case $said in
    *" lock "*) test $tries -lt 60 || { printf '%s\\n' "$said" >&2; exit 1; }; sleep 2 ;;
    *) for one in $(there); do printf 'left %s\\n' "$one"; done; break ;;
  esac
done`;
}

/** Replaces the claim of a host as a whole. */
export async function writeClaim(remote: SshHost, claim: Claim, signal: AbortSignal): Promise<void> {
  await remote.writeFile(claimFile, renderClaim(claim), { mode: "0644", sudo: true, signal });
}
