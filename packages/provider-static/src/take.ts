import {
  applyFragment,
  type MachineRequest,
  MulticloudError,
  type SiteContext,
} from "@multicloud/core/plugin";
import type { SshHost } from "@multicloud/ssh";
import { type Claim, claimFile, claimOf, isOurs, parseClaim, renderClaim } from "./claim.js";
import type { StaticHost } from "./hosts.js";
import { missingOn } from "./missing.js";
import { releaseHost, writeClaim } from "./release.js";

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
  const fragments = [request.boot, request.prepare].filter((one) => one !== undefined);
  const wanted = claimOf(context, request, await missingOn(remote, fragments, signal));
  let claim = await claimHost(remote, context, wanted);
  if (!isOurs(context, claim) || claim.node !== request.name) return false;
  if (claim.state === "releasing") {
    // Giving it back was cut off: it is finished first.
    await releaseHost(remote, context, request.name);
    claim = await claimHost(remote, context, {
      ...wanted,
      made: await missingOn(remote, fragments, signal),
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
