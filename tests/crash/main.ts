// Kills the homelab's `up()` and `destroy()` at every effect in turn, and looks whether the next run makes it good.
//   --all           each effect on each machine; otherwise those of machines on one master and one worker
//   --only <text>   only effects with this in their names
//   --random <n>    so many moments between effects, of half of them the next run is killed too; default 20
//   --seed <n>      chooses these moments
//   --workers <n>   points side by side, default: one more than there are cores
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { buildPrograms } from "./build.js";
import { oneNodePerRole, randomMoments } from "./choose.js";
import type { CrashPoint, Outcome } from "./crash.js";
import { difference } from "./end-state.js";
import { createPool } from "./pool.js";

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    random: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: String(availableParallelism() + 1) },
  },
});
const started = performance.now();
const print = (text: string) => process.stdout.write(`${text}\n`);
const minutes = () => `${((performance.now() - started) / 60_000).toFixed(1)} min`;

const pool = createPool(await buildPrograms(), Number(values.workers));
let passed = 0;
let failed = 0;

function judge(what: string, failures: readonly string[]): void {
  if (failures.length === 0) {
    passed += 1;
    return;
  }
  failed += 1;
  print(`FAILED ${what}`);
  for (const failure of failures.slice(0, 12))
    print(`    ${failure.slice(0, 2000).replaceAll("\n", "\n    ")}`);
  if (failures.length > 12) print(`    and ${failures.length - 12} more`);
}

try {
  const reference = await pool.reference();
  const again = await pool.reference();
  judge("two undisturbed runs end alike", [
    ...difference(reference.state, again.state),
    ...difference(reference.effects.up, again.effects.up),
    ...difference(reference.effects.destroy, again.effects.destroy),
  ]);

  const wanted = (verb: CrashPoint["verb"]) =>
    reference.effects[verb].filter((effect) => effect.includes(values.only));
  const up = values.all ? wanted("up") : oneNodePerRole(wanted("up"));
  const moments = randomMoments(wanted("up"), Number(values.random), Number(values.seed));
  const points: readonly CrashPoint[] = [
    ...up.map((effect): CrashPoint => ({ verb: "up", effect })),
    ...wanted("destroy").map((effect): CrashPoint => ({ verb: "destroy", effect })),
    ...moments,
  ];
  const folded = up.length < wanted("up").length ? " (those of machines on one master and one worker)" : "";
  const share = `${up.length} of ${reference.effects.up.length} effects of up()${folded}, ${wanted("destroy").length} of ${reference.effects.destroy.length} of destroy(), ${moments.length} moments between (seed ${values.seed})`;
  print(`${share} …`);

  let done = 0;
  const missed: CrashPoint[] = [];
  const onOutcome =
    (last: boolean) =>
    (point: CrashPoint, { occurred, failures }: Outcome) => {
      if (!occurred && failures.length === 0 && !last) {
        missed.push(point);
        return;
      }
      judge(describe(point), occurred ? failures : [...failures, "the run never got there"]);
      done += 1;
      if (done % 25 === 0) print(`${done} of ${points.length} points, ${failed} failed, ${minutes()}`);
    };
  await pool.try(points, reference, onOutcome(false));
  // Nodes go side by side: what one of them does first in one run another may do in the next.
  await pool.try(missed, reference, onOutcome(true));
  print(`\ncrash points: ${share}; ${minutes()}`);
} catch (error) {
  judge("the test itself", [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
} finally {
  pool.close();
}
print(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function describe({ verb, effect, afterMs, thenAt }: CrashPoint): string {
  const after = afterMs === undefined ? "" : ` and ${afterMs} ms`;
  const then = thenAt === undefined ? "" : `, and the next run at its effect ${thenAt}`;
  return `${verb}() killed at ${effect}${after}${then}`;
}
