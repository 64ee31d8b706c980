import { shellQuote } from "@multicloud/ssh";

/** In memory, so that it ends with the machine's power. */
const lockFile = "/run/multicloud-haproxy-gateway.lock";

/** How long a script waits for another one, in seconds. */
export const lockSeconds = 300;

/**
 * The script, run while no other one changes anything. A caller that was killed leaves a script behind on the
 * machine, which goes on to its end (an installation takes a while); what comes next has to wait for that.
 */
export const alone = (script: string) => withLock(script, "command -v flock > /dev/null 2>&1", "");

/** The same for a script that only reads: it waits too, and leaves no trace. */
export const afterOthers = (script: string) =>
  withLock(script, `test -e ${lockFile} && command -v flock > /dev/null 2>&1`, "-s ");

// -o: what the script starts, such as a daemon, must not hold the lock.
function withLock(script: string, condition: string, how: string): string {
  return `script=${shellQuote(script)}
if ${condition}; then flock ${how}-o -w ${lockSeconds} ${lockFile} sh -c "$script"; else sh -c "$script"; fi`;
}
