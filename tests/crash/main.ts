// Kills the homelab's `up()` at every effect in turn, and looks whether the next `up()` makes it good.
//   --all           each effect on each machine; otherwise those of machines on one master and one worker
//   --only <text>   only effects with this in their names
//   --random <n>    so many moments between effects, default 20
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
    ...difference(reference.effects, again.effects),
  ]);

  const wanted = reference.effects.filter((effect) => effect.includes(values.only));
  const effects = values.all ? wanted : oneNodePerRole(wanted);
  const moments = randomMoments(wanted, Number(values.random), Number(values.seed));
  const points: readonly CrashPoint[] = [...effects.map((effect) => ({ effect })), ...moments];
  const share = `${effects.length} of ${reference.effects.length} effects${
    effects.length < wanted.length
      ? " (effects on machines: one master and one worker, of each site in turn)"
      : ""
  }`;
  print(`killing up() at ${share} and ${moments.length} moments between (seed ${values.seed}) …`);

  let done = 0;
  const missed: CrashPoint[] = [];
  const onOutcome =
    (last: boolean) =>
    (point: CrashPoint, { occurred, failures }: Outcome) => {
      if (!occurred && failures.length === 0 && !last) {
        missed.push(point);
        return;
      }
      const after = point.afterMs === undefined ? "" : ` and ${point.afterMs} ms`;
      judge(
        `killed at ${point.effect}${after}`,
        occurred ? failures : [...failures, "the run never got there"],
      );
      done += 1;
      if (done % 25 === 0) print(`${done} of ${points.length} points, ${failed} failed, ${minutes()}`);
    };
  await pool.try(points, reference, onOutcome(false));
  // Nodes go side by side: what one of them does first in one run another may do in the next.
  await pool.try(missed, reference, onOutcome(true));
  print(
    `\ncrash points: ${share}, and ${moments.length} moments between them (seed ${values.seed}); ${minutes()}`,
  );
} catch (error) {
  judge("the test itself", [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
} finally {
  pool.close();
}
print(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
