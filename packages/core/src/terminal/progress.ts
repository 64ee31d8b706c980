import { formatProblem } from "../errors/multicloud-error.js";
import type { RunEvent, Step } from "../run/events.js";
import { seconds } from "./seconds.js";

/** Where progress is shown: `process.stdout`, `process.stderr`, or anything like them. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Options of showing a run. */
export interface ProgressOptions {
  readonly output: ProgressOutput;
  /** Also show log lines of the plugins at `info`. Default false: warnings only. */
  readonly verbose?: boolean;
}

const tickMs = 200;
/** Without a terminal, a step that is still going on is mentioned this often. */
const heartbeatMs = 5_000;

interface Going {
  readonly step: Step;
  readonly since: number;
  message: string;
  mentioned: number;
}

/**
 * Shows a run until it ends: a line for each step that ended, and (on a terminal) live lines for those
 * that go on, with what they are doing and for how long. Without a terminal, steps that take long are
 * mentioned every few seconds. Never throws; the run's own error is for whoever awaits the run.
 */
export async function showProgress(
  events: AsyncIterable<RunEvent>,
  { output, verbose = false }: ProgressOptions,
): Promise<void> {
  const going = new Map<string, Going>();
  const started = performance.now();
  let drawn = 0;

  function erase(): void {
    if (drawn > 0) output.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  }

  function draw(): void {
    if (!output.isTTY) return;
    const lines = [...going.values()]
      .slice(0, (output.rows ?? 24) - 4)
      .map((one) => liveLine(one, output.columns ?? 100));
    if (going.size > lines.length) lines.push(`  … and ${going.size - lines.length} more`);
    if (lines.length > 0) output.write(`${lines.join("\n")}\n`);
    drawn = lines.length;
  }

  function print(line: string): void {
    erase();
    output.write(`${line}\n`);
    draw();
  }

  function beat(): void {
    if (output.isTTY) {
      erase();
      draw();
      return;
    }
    const now = performance.now();
    for (const one of going.values()) {
      if (now - one.mentioned < heartbeatMs) continue;
      one.mentioned = now;
      output.write(
        `${clock(now - started)}   …  ${describe(one.step)}${one.message ? `: ${one.message}` : ""} (${seconds(now - one.since)} so far)\n`,
      );
    }
  }

  const timer = setInterval(beat, tickMs);
  try {
    for await (const event of events) {
      const now = performance.now();
      if (event.type === "step-start") {
        going.set(event.step.id, { step: event.step, since: now, message: "", mentioned: now });
      } else if (event.type === "step-progress") {
        const one = going.get(event.step.id);
        if (one) one.message = event.message;
      } else if (event.type === "step-end") {
        going.delete(event.step.id);
        const outcome = event.ok
          ? event.result
            ? `: ${event.result}`
            : ""
          : `: ${event.error?.message.split("\n")[0]}`;
        print(
          `${clock(event.at)}  ${event.ok ? " ✓" : " ✗"}  ${describe(event.step)}${outcome} (${seconds(event.durationMs)})`,
        );
      } else if (event.type === "warning") {
        print(`${clock(event.at)}   !  ${formatProblem(event.problem).trim()}`);
      } else if (event.type === "entrypoint-switch") {
        print(
          `${clock(event.at)}   →  ${event.record}: ${event.from.join(", ") || "(none)"} → ${event.to.join(", ")} (${event.reason})`,
        );
      } else if (event.type === "drill-moment") {
        print(`${clock(event.at)}   ·  ${event.what} (${event.seconds.toFixed(1)} s after the loss)`);
      } else if (event.type === "retry") {
        print(`${clock(event.at)}   ↻  ${event.message} (again in ${seconds(event.delayMs)})`);
      } else if (event.type === "log" && (event.level === "warn" || (verbose && event.level === "info"))) {
        print(
          `${clock(event.at)}   ${event.level === "warn" ? "!" : " "}  ${event.source ? `${event.source}: ` : ""}${event.message}`,
        );
      }
    }
  } finally {
    clearInterval(timer);
    erase();
  }
}

function describe(step: Step): string {
  const where = step.node ?? step.site;
  return where ? `${where}: ${step.title}` : step.title;
}

function liveLine({ step, since, message }: Going, columns: number): string {
  const text = `      ${describe(step)}${message ? `: ${message}` : ""} … ${seconds(performance.now() - since)}`;
  return text.length < columns ? text : `${text.slice(0, columns - 2)}…`;
}

function clock(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`;
}
