import { type AgentClock, within } from "./clock.js";
import type { KubernetesCalls } from "./kubernetes-api.js";

/** Something that `kubectl get events` shows. */
export interface AgentEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: "EntrypointSwitched" | "EntrypointWriteFailed";
  readonly message: string;
}

/** Tells of an event, once: it is for people, and nothing waits for it. */
export async function tell(
  parts: {
    readonly clock: AgentClock;
    readonly kubernetes: KubernetesCalls;
    readonly namespace: string;
    readonly name: string;
    readonly self: string;
    readonly timeoutMs: number;
    random(): number;
  },
  event: AgentEvent,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = parts;
  const time = parts.clock
    .date()
    .toISOString()
    .replace(/\.\d+Z$/, "Z");
  const suffix = Math.floor(parts.random() * 0xffffffff)
    .toString(16)
    .padStart(8, "0");
  await within(parts.clock, parts.timeoutMs, signal, (bounded) =>
    parts.kubernetes.call(
      "POST",
      `/api/v1/namespaces/${namespace}/events`,
      {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: `${name}.${suffix}${Math.floor(parts.clock.now()).toString(16)}`, namespace },
        involvedObject: { apiVersion: "apps/v1", kind: "DaemonSet", name, namespace },
        type: event.type,
        reason: event.reason,
        message: event.message.slice(0, 1_024),
        source: { component: "entrypoint-agent", host: parts.self },
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
      },
      bounded,
    ),
  );
}
