import { type CommandCall, type CommandFamily, type CommandResult, failure } from "../host.js";
import { evaluateTest } from "../shell/conditional.js";
import { formatPrintf } from "../shell/printf.js";
import { inherit } from "../shell/programs.js";
import { reason } from "../shell/redirect.js";
import { ShellError } from "../shell/state.js";
import { parseOptions } from "./options.js";

/** `sh`, `bash` and the programs that run another program. */
export const shellCommands: CommandFamily = {
  sh,
  dash: sh,
  bash: sh,
  rbash: sh,
  env: async (call) => {
    const { flags, values, operands } = parseOptions(call.args, "i 0 ignore-environment", "u unset C", true);
    const env: Record<string, string> =
      flags.has("i") || flags.has("ignore-environment") ? {} : { ...call.env };
    const unset = values.get("u") ?? values.get("unset");
    if (unset) delete env[unset];
    let index = 0;
    for (; /^\w+=/.test(operands[index] ?? ""); index += 1) {
      const [name = "", ...value] = (operands[index] as string).split("=");
      env[name] = value.join("=");
    }
    const program = operands.slice(index);
    if (program.length === 0)
      return {
        stdout: Object.entries(env)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(""),
      };
    return { code: await call.run(program, { env }) };
  },
  timeout: async (call) => {
    const { operands } = parseOptions(
      call.args,
      "preserve-status foreground v verbose",
      "k kill-after s signal",
      true,
    );
    const [duration = "", ...program] = operands;
    const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(duration);
    if (!match) return failure(call, `invalid time interval '${duration}'`, 125);
    const stop = new AbortController();
    let timedOut = false;
    const milliseconds =
      Number(match[1]) * { "": 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as "s"];
    const cancel = call.host.clock.after(milliseconds, () => {
      timedOut = true;
      stop.abort();
    });
    try {
      const code = await call.run(program, { signal: stop.signal });
      return { code: timedOut ? 124 : code };
    } catch (error) {
      if (timedOut) return { code: 124 };
      throw error;
    } finally {
      cancel();
    }
  },
  sleep: async (call) => {
    let milliseconds = 0;
    for (const arg of call.args) {
      const match = /^(\d*\.?\d+)([smhd]?)$/.exec(arg);
      if (!match) return failure(call, `invalid time interval '${arg}'`);
      milliseconds +=
        Number(match[1]) * { "": 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as "s"];
    }
    await call.host.clock.sleep(milliseconds, call.signal);
    return {};
  },
  flock: async (call) => {
    const { flags, values, operands } = parseOptions(
      call.args,
      "n nonblock x s e u exclusive shared unlock",
      "w wait timeout E c",
      true,
    );
    const [target = "", ...program] = operands;
    const descriptor = /^\d+$/.test(target) ? call.shell.state.descriptors.get(Number(target)) : undefined;
    if (/^\d+$/.test(target) && !descriptor) return failure(call, `${target}: Bad file descriptor`, 65);
    const path = descriptor?.path ?? call.path(target);
    const locks = locksOf(call);
    // The kernel ties a lock to the open file: it goes when the process that opened it goes.
    const owner = descriptor ?? Symbol(path);
    if (flags.has("u") || flags.has("unlock")) {
      if (locks.get(path)?.owner === descriptor) locks.get(path)?.release();
      return {};
    }
    const patience =
      flags.has("n") || flags.has("nonblock")
        ? 0
        : Number(values.get("w") ?? values.get("wait") ?? values.get("timeout") ?? Number.POSITIVE_INFINITY);
    const deadline = call.host.clock.now() + patience * 1000;
    while (locks.has(path) && locks.get(path)?.owner !== owner) {
      if (call.host.clock.now() >= deadline) return { code: Number(values.get("E") ?? 1) };
      await Promise.race([
        locks.get(path)?.released,
        call.host.clock.sleep(Math.min(deadline - call.host.clock.now(), 60_000), call.signal),
      ]);
    }
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = () => {
        locks.delete(path);
        resolve();
      };
    });
    locks.set(path, { owner, release, released });
    if (program.length === 0) {
      descriptor?.closers?.push(release);
      return {};
    }
    try {
      const script = values.get("c");
      return { code: await call.run(script === undefined ? program : ["sh", "-c", script]) };
    } finally {
      release();
    }
  },
  nohup: async (call) => ({ code: await call.run(call.args) }),
  setsid: async (call) => ({
    code: await call.run(call.args.filter((arg, index) => index > 0 || !arg.startsWith("-"))),
  }),
  nice: async (call) => ({
    code: await call.run(parseOptions(call.args, "", "n adjustment", true).operands),
  }),
  ionice: async (call) => ({ code: await call.run(parseOptions(call.args, "t", "c n", true).operands) }),
  time: async (call) => ({ code: await call.run(call.args) }),
  stdbuf: async (call) => ({ code: await call.run(parseOptions(call.args, "", "i o e", true).operands) }),
  true: () => ({}),
  false: () => ({ code: 1 }),
  echo: (call) => ({ stdout: `${call.args.join(" ")}\n` }),
  printf: (call) => ({ stdout: formatPrintf(call.args[0] ?? "", call.args.slice(1)).bytes }),
  test: (call) => testResult(call, call.args),
  "[": (call) => testResult(call, call.args.slice(0, -1)),
  sync: () => ({}),
  logger: () => ({}),
  tty: () => ({ code: 1, stdout: "not a tty\n" }),
};

async function sh(call: CommandCall): Promise<CommandResult> {
  const options: ("errexit" | "nounset" | "xtrace")[] = [];
  let index = 0;
  let command = false;
  let standardInput = false;
  let login = false;
  for (; index < call.args.length; index += 1) {
    const arg = call.args[index] as string;
    if (arg === "--") {
      index += 1;
      break;
    }
    if (arg === "--login" || arg === "--noprofile" || arg === "--norc") continue;
    if (!/^[-+][a-zA-Z]/.test(arg)) break;
    for (const letter of arg.slice(1)) {
      if (letter === "c") command = true;
      else if (letter === "s") standardInput = true;
      else if (letter === "l") login = true;
      else if (letter === "e") options.push("errexit");
      else if (letter === "u") options.push("nounset");
      else if (letter === "x") options.push("xtrace");
      else if (letter === "o") index += 1;
      else if (letter !== "i") return failure(call, `0: Illegal option -${letter}`, 2);
    }
  }
  const rest = call.args.slice(index);
  const start = { ...inherit(call.shell), env: login ? { ...call.env } : call.env };
  const run = (name: string, script: string, positional: readonly string[]) =>
    call.host.startShell(start, {
      name,
      script,
      positional,
      options,
      dialect: /bash$/.test(call.name) ? "bash" : "dash",
    });
  if (command) {
    const [script, name = call.name, ...positional] = rest;
    if (script === undefined) return failure(call, "0: -c requires an argument", 2);
    return { code: await run(name, script, positional) };
  }
  const [file, ...positional] = rest;
  if (standardInput || file === undefined)
    return { code: await run(call.name, (await call.input()).toString("utf8"), rest) };
  try {
    return { code: await run(file, await call.view.readFile(call.path(file)), positional) };
  } catch (error) {
    return failure(call, `0: cannot open ${file}: ${reason(error)}`, 2);
  }
}

function testResult(call: CommandCall, args: readonly string[]): CommandResult {
  try {
    return { code: evaluateTest(call.shell, args) ? 0 : 1 };
  } catch (error) {
    if (error instanceof ShellError) return failure(call, error.message, 2);
    throw error;
  }
}

interface Lock {
  readonly owner: unknown;
  readonly released: Promise<void>;
  release(): void;
}

const locksKey = "machine.locks";

function locksOf(call: CommandCall): Map<string, Lock> {
  const { attachments } = call.host.machine;
  const locks = (attachments.get(locksKey) as Map<string, Lock> | undefined) ?? new Map<string, Lock>();
  attachments.set(locksKey, locks);
  return locks;
}
