import type { Distribution } from "./distribution.js";

/** How long a script waits for another one, in seconds: a download may be slow. */
export const lockSeconds = 300;

// In memory, so that it ends with the machine's power.
const lockFile = ({ name }: Pick<Distribution, "name">) => `/run/multicloud-${name}.lock`;

/**
 * Lines at the head of a shell script that changes a node: one at a time. Whoever called it may be killed, or
 * give up, and the script goes on to its end; what comes next has to wait for that. The kernel's lock ends with the
 * script.
 */
export const alone = (distribution: Pick<Distribution, "name">): readonly string[] => [
  `exec 9> ${lockFile(distribution)}`,
  `flock -w ${lockSeconds} 9 || { echo "another run is still at work there" >&2; exit 75; }`,
];

/** The same for a script that only reads: it waits too, and leaves no trace. */
export const afterOthers = (distribution: Pick<Distribution, "name">): readonly string[] => [
  `if [ -e ${lockFile(distribution)} ]; then`,
  `  exec 9< ${lockFile(distribution)}`,
  `  flock -s -w ${lockSeconds} 9 || { echo "another run is still at work there" >&2; exit 75; }`,
  "fi",
];
