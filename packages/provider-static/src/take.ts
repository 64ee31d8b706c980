import {
  applyFragment,
  type MachineRequest,
  MulticloudError,
  type SiteContext,
} from "@multicloud/core/plugin";
import { type SshHost, shellQuote } from "@multicloud/ssh";
import { type Claim, claimFile, claimOf, isOurs, parseClaim, renderClaim } from "./claim.js";
import type { StaticHost } from "./hosts.js";

/** Exit code of the claiming script when somebody else was faster. */
const taken = 17;

/**
 * Claims a host for a node, or finds that it is the node's already, and applies the boot configuration. The
 * claim is a hard link, which exists whole or not at all and which only one can make. Safe to repeat after
 * being cut off anywhere.
 *
 * @returns false when the host is somebody else's
 */
export async function takeHost(
  remote: SshHost,
  host: StaticHost,
  context: SiteContext,
  request: MachineRequest,
): Promise<boolean> {
  const { signal } = context;
  const users = (request.boot?.users ?? []).map(({ name }) => name);
  const wanted = claimOf(context, request, await missingUsers(remote, users, signal));
  let claim = await claimHost(remote, context, wanted);
  if (!isOurs(context, claim) || claim.node !== request.name) return false;
  if (claim.state === "releasing") {
    // Giving it back was cut off: it is finished first.
    await releaseHost(remote, context, request.name);
    claim = await claimHost(remote, context, {
      ...wanted,
      madeUsers: await missingUsers(remote, users, signal),
    });
    if (!isOurs(context, claim) || claim.node !== request.name) return false;
  }
  if (claim.state === "ready") return true;
  if (request.boot) {
    await applyFragment(remote, request.boot, {
      signal,
      site: context.site,
      node: request.name,
      onProgress: (message) =>
        context.report({ type: "log", level: "debug", node: request.name, source: host.name, message }),
    });
  }
  await writeClaim(remote, { ...claim, state: "ready" }, signal);
  return true;
}

/** The claim that stands afterwards: ours, or that of whoever was there before. */
async function claimHost(remote: SshHost, context: SiteContext, wanted: Claim): Promise<Claim> {
  const { signal } = context;
  const fresh = `${claimFile}.${process.pid}.new`;
  const script = `umask 022
mkdir -p /etc/multicloud || exit 1
cat > ${fresh} || exit 1
if ln ${fresh} ${claimFile} 2> /dev/null; then code=0
elif test -e ${claimFile}; then code=${taken}
else code=1; fi
rm -f ${fresh}
if test $code = ${taken}; then cat ${claimFile}; fi
exit $code`;
  const { code, stdout, stderr } = await remote.exec(script, {
    sudo: true,
    stdin: renderClaim(wanted),
    signal,
    timeoutMs: 30_000,
  });
  if (code === 0) return wanted;
  const standing = code === taken ? parseClaim(stdout) : undefined;
  if (standing) return standing;
  throw new MulticloudError(
    `the host at ${remote.address} could not be claimed: ${stderr.trim() || `${claimFile} is damaged`}`,
    {
      code: code === taken ? "CONFLICT" : "REMOTE_COMMAND_FAILED",
      site: context.site,
      node: wanted.node,
      service: "ssh",
      hint: "the login user needs passwordless sudo; a damaged claim has to be looked at and removed by you",
    },
  );
}

/** Gives a host back: what the claim made is undone, and the claim itself goes last. One that is not this node's any more is left alone. */
export async function releaseHost(remote: SshHost, context: SiteContext, node: string): Promise<void> {
  const { signal } = context;
  const { stdout } = await remote.exec(`cat ${claimFile} 2> /dev/null || true`, { signal });
  const claim = stdout === "" ? undefined : parseClaim(stdout);
  if (!claim || !isOurs(context, claim) || claim.node !== node) return;
  // From here on the host is no node: a run that is cut off is not to look for the user that is gone.
  if (claim.state !== "releasing") await writeClaim(remote, { ...claim, state: "releasing" }, signal);
  const { code, stderr } = await remote.exec(undoScript(claim), { sudo: true, signal, timeoutMs: 120_000 });
  if (code === 0) return;
  throw new MulticloudError(`${node} could not be given back: ${stderr.trim() || `exit code ${code}`}`, {
    code: "REMOTE_COMMAND_FAILED",
    site: context.site,
    node,
    service: "ssh",
    hint: "correct the cause on the host and run destroy() again",
  });
}

function undoScript(claim: Claim): string {
  const made = claim.madeUsers.map((name) => {
    const user = shellQuote(name);
    // Forced: the cluster's own connection as this user may not have ended yet.
    return `if id -u ${user} > /dev/null 2>&1; then userdel -r -f ${user} 2> /dev/null || test $? = 12 || exit 1; fi
rm -f ${shellQuote(`/etc/sudoers.d/90-multicloud-${name}`)} || exit 1`;
  });
  const kept = Object.entries(claim.keys)
    .filter(([name]) => !claim.madeUsers.includes(name))
    .flatMap(([name, keys]) =>
      keys.map(
        (key) => `home=$(getent passwd ${shellQuote(name)} | cut -d: -f6)
file=$home/.ssh/authorized_keys
if test -n "$home" && grep -qxF ${shellQuote(key)} "$file" 2> /dev/null; then
  grep -vxF ${shellQuote(key)} "$file" > "$file.new"
  cat "$file.new" > "$file" && rm -f "$file.new" || exit 1
fi`,
      ),
    );
  return [
    ...made,
    ...kept,
    `rm -f ${claimFile} ${claimFile}.*.new || exit 1`,
    "rmdir /etc/multicloud 2> /dev/null || true",
  ].join("\n");
}

async function missingUsers(
  remote: SshHost,
  names: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  if (names.length === 0) return [];
  const list = names.map(shellQuote).join(" ");
  const { stdout } = await remote.exec(
    `for user in ${list}; do id -u "$user" > /dev/null 2>&1 || printf '%s\\n' "$user"; done`,
    { signal },
  );
  return stdout.split("\n").filter((name) => name !== "");
}

async function writeClaim(remote: SshHost, claim: Claim, signal: AbortSignal): Promise<void> {
  await remote.writeFile(claimFile, renderClaim(claim), { mode: "0644", sudo: true, signal });
}
