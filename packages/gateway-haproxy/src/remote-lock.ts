import { scriptUnderLock } from "@multicloud/core/plugin";

const file = "/run/multicloud-haproxy-gateway.lock";

/** How long a script waits for another one, in seconds. */
export const lockSeconds = 300;

/** The script, run while no other one changes anything. */
export const alone = (script: string) => withLock(script, false);

/** The same for a script that only reads: it waits too, and leaves no trace. */
export const afterOthers = (script: string) => withLock(script, true);

const withLock = (script: string, shared: boolean) =>
  scriptUnderLock(script, { file, waitSeconds: lockSeconds, shared });
