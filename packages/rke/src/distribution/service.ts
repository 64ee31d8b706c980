import { delay, type EngineContext, type EngineNode, MulticloudError, redact } from "@multicloud/core/plugin";
import { type Distribution, pathsOf } from "./distribution.js";
import { roleOf } from "./node-config.js";
import type { DistributionSettings } from "./options.js";
import type { Mark } from "./survey.js";

// What a server says whose place in etcd was taken away while it did not run.
const removedMember = /permanently removed from the cluster|not a member of the etcd cluster/;

/** Cause of the error of a server that etcd has let go: its data is of no use to anybody any more. */
export const lostMembership: unique symbol = Symbol("etcd has let this server go");

/** Name of the unit of a node. */
export function unitOf(distribution: Distribution, node: Pick<EngineNode, "role">): string {
  return roleOf(node) === "server" ? distribution.serverUnit : distribution.agentUnit;
}

/**
 * Starts the service of a node, or starts it anew, and waits until systemd says that it is ready. systemd
 * starts it again when it ends; it may end a few times before it counts as failed, for etcd takes new members
 * one at a time and servers come and go.
 *
 * @param secret never shown in what the error quotes of the service's log
 * @throws MulticloudError `ENGINE_FAILED` with the last lines of the log
 */
export async function startService(
  distribution: Distribution,
  settings: DistributionSettings,
  context: EngineContext,
  node: EngineNode,
  secret: string,
): Promise<void> {
  const unit = unitOf(distribution, node);
  const { signal } = context;
  const options = { sudo: true, signal } as const;
  const started = performance.now();
  // The start is only asked for: a first one takes minutes, and its log is of use when it takes too long. The
  // stop is waited for, so that what is seen as active afterwards is not what ran before.
  const script = `systemctl enable ${unit} 2>/dev/null; systemctl stop ${unit}; systemctl start --no-block ${unit}`;
  await node.host.exec(`sh -c '${script}'`, options);
  let ends = 0;
  for (let look = 1; ; look += 1) {
    const { stdout } = await node.host.exec(
      `systemctl show ${unit} --property ActiveState,NRestarts`,
      options,
    );
    const state = /^ActiveState=(.*)$/m.exec(stdout)?.[1];
    if (state === "active") return;
    const restarts = Number(/^NRestarts=(\d+)$/m.exec(stdout)?.[1] ?? 0);
    ends = Math.max(restarts, state === "activating" ? ends : ends + 1);
    const isLate = performance.now() - started > settings.startTimeoutMs;
    if (ends >= settings.attempts || isLate) break;
    await delay(Math.min(settings.retryDelayMs, look * 1_000), signal);
  }
  const { stdout } = await node.host.exec(`journalctl -u ${unit} -n 40 --no-pager -o cat`, options);
  const lines = stdout
    .split("\n")
    .filter((line) => /level=(error|fatal)|^[FE]\d{4} |fatal|panic/i.test(line));
  const quoted = redact(lines.slice(-3).join(" | "), [secret]);
  throw new MulticloudError(
    `${unit} does not start on ${node.name}${quoted ? `: ${quoted}` : "; its log names no error"}`,
    {
      code: "ENGINE_FAILED",
      site: node.site,
      node: node.name,
      service: distribution.name,
      hint: `the whole log is there: journalctl -u ${unit}; up() goes on from here`,
      ...(removedMember.test(stdout) ? { cause: lostMembership } : {}),
    },
  );
}

/** Notes something about a node, on the node. Written last, it says that the rest is done. */
export function writeMark(
  distribution: Distribution,
  node: EngineNode,
  mark: Mark,
  signal: AbortSignal,
): Promise<void> {
  return node.host.writeFile(pathsOf(distribution).mark, `${JSON.stringify(mark)}\n`, {
    mode: "0600",
    owner: "root:root",
    sudo: true,
    signal,
  });
}
