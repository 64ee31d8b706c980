import { delay, MulticloudError, type RemoteHost, type SiteContext } from "@multicloud/core/plugin";
import { type HostRecord, recordFile, renderRecord } from "./host-record.js";
import { backupFile, candidateFile, configFile, type Look, look } from "./look.js";
import { obstacle } from "./obstacle.js";
import { execute, failed, run } from "./remote.js";
import { alone } from "./remote-lock.js";
import { askStats } from "./stats.js";

/** What is to run on the machine. */
export interface Wanted {
  readonly text: string;
  readonly digest: string;
  readonly statsPort: number;
  readonly takeOver: boolean;
}

/** A configuration of ours that somebody had changed, and that was replaced. */
const editedFile = `${configFile}.multicloud-edited`;

/** Exit code of the claiming script when somebody else was faster. */
const taken = 17;

/** How long HAProxy may take to run with a new configuration. */
const swapMs = 15_000;

/**
 * Installs HAProxy when it is not there, and makes it run with the wanted configuration: checked aside,
 * moved into place in one step, then a reload, in which the old process hands its listening sockets to the new
 * one and ends the connections that it has. What was there before is recorded first and kept. Safe to repeat after
 * being cut off anywhere: what runs is asked of HAProxy itself.
 *
 * @returns false when all was as wanted and nothing was written
 */
export async function ensureConfig(
  remote: RemoteHost,
  context: SiteContext,
  wanted: Wanted,
): Promise<boolean> {
  let found = await look(remote, context);
  refuse(remote, context, obstacle(found, context, wanted.takeOver));
  const isWritten = found.config === wanted.text;
  if (found.record && isWritten && found.enabled && found.active && !found.hasScraps) {
    if ((await askStats(remote, context, wanted.statsPort))?.digest === wanted.digest) return false;
  }
  if (!found.record) await claim(remote, context, found);
  if (!found.installed) {
    await install(remote, context);
    found = { ...(await look(remote, context)), record: found.record };
    refuse(remote, context, obstacle(found, context, wanted.takeOver));
  }
  if (!isWritten) await swap(remote, context, found, wanted);
  await activate(remote, context, found, wanted);
  return true;
}

function refuse(remote: RemoteHost, { site }: SiteContext, found: ReturnType<typeof obstacle>): void {
  if (!found) return;
  throw new MulticloudError(`the gateway at ${remote.address} cannot be set up: ${found.message}`, {
    code: "CONFLICT",
    site,
    service: "haproxy",
    hint: found.hint,
  });
}

/** Says on the machine whose it is and what was there before; a hard link, which only one can make. */
async function claim(remote: RemoteHost, context: SiteContext, found: Look): Promise<void> {
  const { cluster, site } = context;
  const { installed, enabled, active } = found;
  const record: HostRecord = { owner: "multicloud", cluster, site, before: { installed, enabled, active } };
  const fresh = `${recordFile}.${process.pid}.new`;
  const script = `umask 022
mkdir -p /etc/multicloud || exit 1
cat > ${fresh} || exit 1
if ln ${fresh} ${recordFile} 2> /dev/null; then code=0
elif test -e ${recordFile}; then code=${taken}
else code=1; fi
rm -f ${fresh}
exit $code`;
  const { code, stderr } = await execute(remote, context, alone(script), { stdin: renderRecord(record) });
  if (code === 0) return;
  if (code !== taken) {
    throw failed(
      remote,
      context,
      "claiming it",
      stderr.trim() || `exit code ${code}`,
      "the user needs passwordless sudo",
    );
  }
  throw new MulticloudError(`the gateway at ${remote.address} was claimed by another run meanwhile`, {
    code: "CONFLICT",
    site,
    service: "haproxy",
    hint: "run it again: it then says whose gateway it is",
  });
}

async function install(remote: RemoteHost, context: SiteContext): Promise<void> {
  context.report({ type: "log", level: "info", message: `installing HAProxy on ${remote.address}` });
  const script = `export DEBIAN_FRONTEND=noninteractive
command -v apt-get > /dev/null 2>&1 || { echo 'it has no apt-get' >&2; exit 1; }
apt="apt-get -y -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold"
$apt update > /dev/null || true
$apt install --no-install-recommends haproxy > /dev/null`;
  await run(remote, context, "installing HAProxy", script, {
    timeoutMs: 600_000,
    hint: "see whether `apt-get install haproxy` works there; an HAProxy that you install yourself is used as it is",
  });
}

/** Checks the new file aside, keeps what is replaced, and moves the new one into its place. */
async function swap(remote: RemoteHost, context: SiteContext, found: Look, wanted: Wanted): Promise<void> {
  const write = `umask 022
mkdir -p /etc/haproxy || exit 1
cat > ${candidateFile} || exit 1
haproxy -c -q -f ${candidateFile} || { code=$?; rm -f ${candidateFile}; exit $code; }`;
  await run(remote, context, "checking its new configuration", write, {
    stdin: wanted.text,
    hint: "this is a defect of @multicloud/gateway-haproxy, or the HAProxy there is older than 2.4; nothing was changed",
  });
  await run(
    remote,
    context,
    "putting its new configuration in place",
    `${keep(found)}mv -f ${candidateFile} ${configFile}`,
  );
}

/** The first file that is not ours is what a removal puts back; a later one is one of ours that was changed. What the package brought by our own installation is no loss. */
function keep({ config, head, pristine, hasBackup, record }: Look): string {
  if (config === undefined || head?.intact) return "";
  const wasInstalled = record !== "damaged" && (record?.before.installed ?? true);
  if (pristine && !wasInstalled) return "";
  const place = head || hasBackup ? editedFile : backupFile;
  // A run that was cut off may have kept it already.
  return `if ! cmp -s ${configFile} ${backupFile}; then
  cp -p ${configFile} ${place}.tmp && mv -f ${place}.tmp ${place} || exit 1
fi
`;
}

/** Reloads, or starts, and waits until HAProxy says that it runs with the new configuration. */
async function activate(
  remote: RemoteHost,
  context: SiteContext,
  found: Look,
  wanted: Wanted,
): Promise<void> {
  const tidy = found.hasScraps ? `rm -f ${candidateFile} ${recordFile}.*.new\n` : "";
  const enable = found.enabled ? "" : "systemctl enable haproxy > /dev/null 2>&1 || exit 1\n";
  const { code, stderr } = await execute(
    remote,
    context,
    alone(`${tidy}${enable}systemctl reload-or-restart haproxy`),
  );
  const deadline = performance.now() + swapMs;
  while (code === 0 && performance.now() < deadline) {
    if ((await askStats(remote, context, wanted.statsPort))?.digest === wanted.digest) return;
    await delay(250, context.signal);
  }
  const journal = await execute(remote, context, "journalctl -u haproxy -n 8 -o cat --no-pager 2> /dev/null");
  const why = `${stderr} ${journal.stdout}`.trim().split("\n").slice(-8).join(" | ");
  const hint = "does another program hold port 80 or 443 there (ss -ltnp)? The next up() tries again";
  throw failed(remote, context, "running it with its new configuration", why || "it does not answer", hint);
}
