import type { AddonContext, ObjectReference } from "@multicloud/core/plugin";

/** Waits until an object works and reports how far it is. */
export async function waitFor(
  context: AddonContext,
  reference: ObjectReference,
  timeoutMs: number,
): Promise<void> {
  const name = reference.namespace ? `${reference.namespace}/${reference.name}` : reference.name;
  await context.kubernetes.waitReady(reference, {
    signal: context.signal,
    timeoutMs,
    onProgress: (message) =>
      context.report({ type: "log", level: "debug", message: `${reference.kind} ${name}: ${message}` }),
  });
}
