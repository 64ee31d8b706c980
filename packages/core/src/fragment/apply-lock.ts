import type { RemoteLock } from "../plugin/remote-lock.js";

/**
 * The lock that `applyFragment` holds on a node while it works there. What undoes a fragment takes it too: a run that
 * was cut off may have left its script at work, and that would put back what is being removed.
 */
export const applyLock: RemoteLock = { file: "/run/multicloud.lock", waitSeconds: 600 };
