import type { RemoteHost, SiteContext } from "@multicloud/core/plugin";
import { isOurs, recordFile } from "./host-record.js";
import { backupFile, candidateFile, configFile, type Look, look } from "./look.js";
import { run } from "./remote.js";

/**
 * Puts back what was there before the first `ensure`: the configuration, and whether HAProxy was installed,
 * enabled and running. A configuration that somebody put there since is left alone, and so is another
 * cluster's gateway. The record goes last, so that a removal that was cut off is finished by the next.
 */
export async function removeGateway(remote: RemoteHost, context: SiteContext): Promise<void> {
  const found = await look(remote, context);
  const { record, head, config, pristine } = found;
  if (!record || record === "damaged" || !isOurs(context, record)) return;
  const isForeign = config !== undefined && !pristine && !(head && isOurs(context, head));
  // Without a copy to put back, a foreign file is what an earlier removal put back, where there was one.
  const isLeft = isForeign && (found.hasBackup || !record.before.installed);
  if (isLeft) {
    context.report({
      type: "log",
      level: "warn",
      message: `${configFile} on ${remote.address} is not ours any more: HAProxy is left as it is${found.hasBackup ? `, and ${backupFile} is what was there before` : ""}`,
    });
  } else {
    await run(remote, context, "putting back what was there", putBack(found, record.before), {
      timeoutMs: 300_000,
    });
  }
  await run(
    remote,
    context,
    "removing its record",
    `rm -f ${recordFile} ${recordFile}.*.new ${candidateFile}\nrmdir /etc/multicloud 2> /dev/null || true`,
  );
}

function putBack(
  { hasBackup, installed, head }: Look,
  before: { readonly installed: boolean; readonly enabled: boolean; readonly active: boolean },
): string {
  if (!before.installed) {
    const rest = `rm -f ${configFile}\nrmdir /etc/haproxy 2> /dev/null || true`;
    if (!installed) return rest;
    return `systemctl disable haproxy > /dev/null 2>&1 || true
systemctl stop haproxy || exit 1
export DEBIAN_FRONTEND=noninteractive
if dpkg-query -W haproxy > /dev/null 2>&1; then apt-get -y -o DPkg::Lock::Timeout=120 purge haproxy > /dev/null || exit 1; fi
${rest}`;
  }
  return [
    hasBackup ? `mv -f ${backupFile} ${configFile} || exit 1` : head ? `rm -f ${configFile}` : "",
    before.enabled
      ? "systemctl enable haproxy > /dev/null 2>&1 || exit 1"
      : "systemctl disable haproxy > /dev/null 2>&1 || exit 1",
    before.active ? "systemctl reload-or-restart haproxy || exit 1" : "systemctl stop haproxy || exit 1",
  ].join("\n");
}
