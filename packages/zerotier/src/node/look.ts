import { type CallContext, MulticloudError, type RemoteHost } from "@multicloud/core/plugin";
import { lookScript } from "./look-script.js";
import { type NodeState, readLook } from "./node-state.js";

/** A node that is to be on the network. */
export interface OverlayNode {
  readonly name: string;
  readonly host: RemoteHost;
}

/** How long the daemon may take to answer, in seconds; it makes its identity at its first start. */
const daemonSeconds = 30;

/**
 * Looks at ZeroTier on a node in one SSH round trip, waiting there for an address for up to `waitSeconds`.
 *
 * @throws MulticloudError `OVERLAY_FAILED` when the daemon does not answer.
 */
export async function look(
  context: CallContext,
  node: OverlayNode,
  networkId: string,
  waitSeconds: number,
): Promise<NodeState> {
  const result = await node.host.exec(lookScript(networkId, waitSeconds, daemonSeconds), {
    sudo: true,
    signal: context.signal,
    // Each look takes longer than its pause; only a hang should end here.
    timeoutMs: (daemonSeconds + waitSeconds * 2 + 30) * 1000,
  });
  const failed = (what: string, hint: string) =>
    new MulticloudError(`ZeroTier on node ${node.name}: ${what}`, {
      code: "OVERLAY_FAILED",
      node: node.name,
      service: "zerotier",
      hint,
    });
  if (result.code !== 0) {
    const said = result.stderr.trim().split("\n").at(-1);
    throw failed(
      `the command that asks for its state ended with ${result.code ?? result.signal}${said ? `: ${said}` : ""}`,
      "it runs as root through sudo -n; see that the login user may do that without a password",
    );
  }
  const { state, failure } = readLook(result.stdout, networkId);
  if (!state) {
    throw failed(
      `the daemon does not answer (${failure})`,
      "see `systemctl status zerotier-one` on the node, and /var/log/cloud-init-output.log if the package is not there",
    );
  }
  return state;
}
