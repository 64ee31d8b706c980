import { delay, type EngineContext, type EngineNode, MulticloudError, redact } from "@multicloud/core/plugin";
import { type Distribution, pathsOf } from "./distribution.js";
import { roleOf } from "./node-config.js";
import type { DistributionSettings } from "./options.js";
import type { Mark } from "./survey.js";

/** Name of the unit of a node. */
export function unitOf(distribution: Distribution, node: Pick<EngineNode, "role">): string {
  return roleOf(node) === "server" ? distribution.serverUnit : distribution.agentUnit;
}

/**
 * Starts the service of a node, or starts it anew, and waits until systemd says that it is ready. systemd
 * itself tries again when it ends; it is looked at for a while before it counts as failed.
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
  const options = { sudo: true, signal, timeoutMs: settings.startTimeoutMs } as const;
  const script = `systemctl enable ${unit} 2>/dev/null; systemctl restart ${unit}`;
  let { code } = await node.host.exec(`sh -c '${script}'`, options);
  for (let attempt = 1; code !== 0 && attempt < settings.attempts; attempt += 1) {
    await delay(settings.retryDelayMs, signal);
    ({ code } = await node.host.exec(`systemctl is-active --quiet ${unit}`, options));
  }
  if (code === 0) return;
  const { stdout } = await node.host.exec(`journalctl -u ${unit} -n 40 --no-pager -o cat`, options);
  const lines = stdout
    .split("\n")
    .filter((line) => /level=(error|fatal)|^[FE]\d{4} |fatal|panic/i.test(line));
  const quoted = redact(lines.slice(-3).join(" | "), [secret]);
  throw new MulticloudError(
    `${unit} does not start on ${node.name}${quoted ? `: ${quoted}` : "; its log says nothing"}`,
    {
      code: "ENGINE_FAILED",
      site: node.site,
      node: node.name,
      service: distribution.name,
      hint: `the whole log is there: journalctl -u ${unit}; up() goes on from here`,
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
