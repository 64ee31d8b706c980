import { createFileView } from "../file-view.js";
import { type CommandCall, type CommandFamily, type CommandResult, failure } from "../host.js";
import { createShell } from "../shell/execute.js";
import { inherit, runProgram } from "../shell/programs.js";
import { checkSudoers, mayWithoutPassword } from "../sudoers.js";
import { parseOptions } from "./options.js";

const safePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** `sudo`, `su` and `visudo`. There is nobody to type a password: without NOPASSWD sudo fails, as `sudo -n` does. */
export const sudoCommands: CommandFamily = {
  sudo: async (call) => {
    const { flags, values, operands } = parseOptions(
      call.args,
      "n H E i s S k K v l b non-interactive preserve-env login",
      "u g p user",
      true,
    );
    if (call.who.uid !== 0 && !mayWithoutPassword(call.host, call.who.name))
      return failure(call, "a password is required");
    if (flags.has("l"))
      return {
        stdout: `User ${call.who.name} may run the following commands on ${call.host.hostname()}:\n    (ALL : ALL) NOPASSWD: ALL\n`,
      };
    if (flags.has("v") || flags.has("k") || flags.has("K")) return {};
    const login = flags.has("i") || flags.has("login");
    const assignments: Record<string, string> = {};
    let index = 0;
    for (; /^[A-Za-z_]\w*=/.test(operands[index] ?? ""); index += 1) {
      const [name = "", ...value] = (operands[index] as string).split("=");
      assignments[name] = value.join("=");
    }
    return switchUser(call, values.get("u") ?? values.get("user") ?? "root", operands.slice(index), {
      shell: login || flags.has("s"),
      login,
      keep: flags.has("E") || flags.has("preserve-env"),
      assignments,
    });
  },
  su: async (call) => {
    const { values, operands } = parseOptions(
      call.args.filter((arg) => arg !== "-"),
      "l m p login",
      "c s command shell",
    );
    if (call.who.uid !== 0) return failure(call, "Authentication failure");
    const script = values.get("c") ?? values.get("command");
    return switchUser(call, operands[0] ?? "root", script === undefined ? [] : ["sh", "-c", script], {
      shell: script === undefined,
      login: true,
      keep: false,
      assignments: {},
    });
  },
  runuser: async (call) => {
    const { values, operands } = parseOptions(
      call.args.filter((arg) => arg !== "-"),
      "l login",
      "u c",
      true,
    );
    if (call.who.uid !== 0) return failure(call, "may not be used by non-root users");
    return switchUser(call, values.get("u") ?? "root", operands, {
      shell: false,
      login: false,
      keep: false,
      assignments: {},
    });
  },
  visudo: async (call) => {
    const { flags, values } = parseOptions(call.args, "c q s check quiet strict", "f file");
    if (!flags.has("c") && !flags.has("check")) return failure(call, "there is no editor in the sandbox");
    const file = values.get("f") ?? values.get("file") ?? "/etc/sudoers";
    const text = await call.view.readFile(call.path(file));
    const problem = checkSudoers(text);
    if (problem) return { code: 1, stderr: `${file}:${problem}\n` };
    return flags.has("q") ? {} : { stdout: `${file}: parsed OK\n` };
  },
};

async function switchUser(
  call: CommandCall,
  target: string,
  program: readonly string[],
  options: {
    readonly shell: boolean;
    readonly login: boolean;
    readonly keep: boolean;
    readonly assignments: Readonly<Record<string, string>>;
  },
): Promise<CommandResult> {
  const { host } = call;
  const who = host.accounts.credentials(target);
  const account = host.accounts.user(target);
  if (!who || !account) return failure(call, `unknown user ${target}`);
  const env: Record<string, string> = {
    ...(options.keep ? call.env : call.env.LANG ? { LANG: call.env.LANG } : {}),
    PATH: safePath,
    HOME: account.home,
    USER: target,
    LOGNAME: target,
    SHELL: account.shell,
    TERM: "unknown",
    SUDO_USER: call.who.name,
    SUDO_UID: String(call.who.uid),
    SUDO_GID: String(call.who.gid),
    ...options.assignments,
  };
  const start = {
    ...inherit(call.shell),
    who,
    env,
    cwd: options.login ? account.home : call.shell.state.cwd,
  };
  if (options.shell) {
    const script = program.length > 0 ? program.join(" ") : (await call.input()).toString("utf8");
    return { code: await host.startShell(start, { name: "sh", script }) };
  }
  if (program.length === 0) return failure(call, "usage: sudo command");
  const view = createFileView(host.disk, who, call.changes);
  const state = {
    ...call.shell.state,
    cwd: start.cwd,
    variables: new Map(
      Object.entries(env).map(([name, value]) => [name, { value, exported: true, readonly: false }]),
    ),
  };
  return { code: await runProgram(createShell({ ...call.shell, state, who, view }), program, env) };
}
