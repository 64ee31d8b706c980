import { shellQuote } from "../fragment/shell-quote.js";

/** A lock that scripts on one machine take, so that none of them works beside another. */
export interface RemoteLock {
  /** Path of the lock's file; below `/run` it ends with the machine's power. */
  readonly file: string;
  /** How long to wait for whoever holds it. */
  readonly waitSeconds: number;
  /** For commands that only read: they wait for one that writes, not for each other, and leave no file behind. Default false. */
  readonly shared?: boolean;
}

/**
 * A shell command, run while nobody else holds the lock. A caller that was killed, or gave up, leaves its command behind
 * on the machine, which may go on to its end (an installation takes a while); what comes next has to wait for that. The
 * kernel's lock ends with the command; what that starts, such as a daemon, does not hold it. A machine without
 * `flock` (util-linux) goes without. Exits with 75 when the wait was in vain.
 *
 * @param command one simple command, for example `sh` for a script on standard input
 */
export function underLock(command: string, { file, waitSeconds, shared = false }: RemoteLock): string {
  const has = "command -v flock > /dev/null 2>&1";
  const condition = shared ? `test -e ${file} && ${has}` : has;
  const options = `${shared ? "-s " : ""}-o -E 75 -w ${waitSeconds}`;
  const late = `{ code=$?; [ $code -ne 75 ] || echo 'another run is still at work there' >&2; exit $code; }`;
  return `if ${condition}; then flock ${options} ${file} ${command} || ${late}; else ${command}; fi`;
}

/** The same for a whole script. Its standard input stays the caller's. */
export const scriptUnderLock = (script: string, lock: RemoteLock): string =>
  `script=${shellQuote(script)}\n${underLock('sh -c "$script"', lock)}`;
