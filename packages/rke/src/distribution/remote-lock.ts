import { underLock } from "@multicloud/core/plugin";
import type { Distribution } from "./distribution.js";

/** How long a script waits for another one, in seconds: a download may be slow. */
export const lockSeconds = 300;

/** Runs the shell script on standard input while no other one changes this node. */
export const shellAlone = (distribution: Pick<Distribution, "name">) => shell(distribution, false);

/** The same for a script that only reads. */
export const shellAfterOthers = (distribution: Pick<Distribution, "name">) => shell(distribution, true);

const shell = ({ name }: Pick<Distribution, "name">, shared: boolean) =>
  underLock("sh", { file: `/run/multicloud-${name}.lock`, waitSeconds: lockSeconds, shared });
