import {
  applyLock,
  type CallContext,
  MulticloudError,
  type OverlayNetwork,
  underLock,
} from "@multicloud/core/plugin";
import { formerSettings, home, settingsFile } from "./boot.js";
import type { OverlayNode } from "./node/look.js";

/**
 * POSIX shell that runs on the node as root. A daemon that was there before the cluster gets its own settings
 * back; one that came with the cluster goes with its package, and its identity with what the package leaves.
 * Our settings are removed last: they say that there is something to give back.
 */
const script = `
network=$1
zerotier-cli leave "$network" >/dev/null 2>&1
rm -f ${home}/networks.d/"$network".conf ${home}/networks.d/"$network".local.conf || exit 1
if [ -e ${formerSettings} ]; then
  if [ -s ${formerSettings} ]; then
    cp ${formerSettings} ${home}/local.conf || exit 1
  else
    rm -f ${home}/local.conf || exit 1
  fi
  systemctl restart zerotier-one || exit 1
fi
rm -f ${formerSettings} ${formerSettings}.new ${settingsFile} || exit 1
`;

/**
 * Takes a node off the network and gives a daemon that was there before its settings back. One SSH round trip.
 *
 * @throws MulticloudError `OVERLAY_FAILED` when the node could not be cleaned.
 */
export async function leave(context: CallContext, network: OverlayNetwork, node: OverlayNode): Promise<void> {
  // Joining may still be under way, by the script of a run that was cut off.
  const command = underLock(`sh -c '${script}' leave ${network.id}`, applyLock);
  const timeoutMs = applyLock.waitSeconds * 1_000 + 60_000;
  const result = await node.host.exec(command, { sudo: true, signal: context.signal, timeoutMs });
  if (result.code === 0) return;
  const said = result.stderr.trim().split("\n").at(-1);
  throw new MulticloudError(
    `ZeroTier could not be taken off node ${node.name}: the command ended with ${result.code ?? result.signal}${said ? `: ${said}` : ""}`,
    {
      code: "OVERLAY_FAILED",
      node: node.name,
      service: "zerotier",
      hint: "correct the cause on the node and run this again; what was done is not done twice",
    },
  );
}
