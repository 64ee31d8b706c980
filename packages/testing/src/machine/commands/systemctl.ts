import { type CommandCall, type CommandFamily, type CommandResult, failure } from "../host.js";
import { parseOptions } from "./options.js";

/** `systemctl` and `service` over the units that the machine has. */
export const serviceCommands: CommandFamily = {
  systemctl: async (call) => {
    const { flags, operands } = parseOptions(
      call.args,
      "now q quiet f force no-pager no-reload no-block system all a full l runtime",
      "type t p property state n lines o output",
    );
    const [verb = "list-units", ...names] = operands;
    const run = verbs[verb];
    if (!run) return failure(call, `Unknown command verb ${verb}.`);
    const needsRights = ![
      "is-active",
      "is-enabled",
      "is-failed",
      "status",
      "show",
      "cat",
      "list-units",
      "list-unit-files",
      "is-system-running",
    ].includes(verb);
    if (needsRights && call.who.uid !== 0)
      return failure({ name: "" }, `Failed to ${verb} ${names[0] ?? "unit"}: Access denied`, 1);
    return run(call, names, flags);
  },
  service: async (call) => {
    const [name = "", verb = "status"] = call.args;
    const run = verbs[verb === "force-reload" ? "reload" : verb];
    return run ? run(call, [name], new Set()) : failure(call, `unrecognized verb ${verb}`);
  },
};

type Verb = (
  call: CommandCall,
  names: readonly string[],
  flags: ReadonlySet<string>,
) => Promise<CommandResult> | CommandResult;

const isSsh = (name: string) => /^sshd?(\.service)?$/.test(name);
const unitName = (name: string) => (isSsh(name) ? "ssh" : name.replace(/\.service$/, ""));
const fileName = (name: string) => (/\.\w+$/.test(name) ? name : `${name}.service`);
const missing = (call: CommandCall, names: readonly string[]) =>
  names.find((name) => !call.host.units.exists(unitName(name)));

function overUnits(
  work: (call: CommandCall, name: string, flags: ReadonlySet<string>) => Promise<CommandResult | undefined>,
  verb: string,
): Verb {
  return async (call, names, flags) => {
    const absent = missing(call, names);
    if (absent !== undefined) {
      const changesLinks = verb === "enable" || verb === "disable";
      return changesLinks
        ? { code: 1, stderr: `Failed to ${verb} unit: Unit file ${fileName(absent)} does not exist.\n` }
        : { code: 5, stderr: `Failed to ${verb} ${fileName(absent)}: Unit ${fileName(absent)} not found.\n` };
    }
    for (const name of names) {
      const result = await work(call, unitName(name), flags);
      if (result?.code) return result;
    }
    return {};
  };
}

async function start(call: CommandCall, name: string): Promise<CommandResult | undefined> {
  if (!(await call.host.units.start(name))) return undefined;
  if (call.host.units.state(name) === "failed") {
    return {
      code: 1,
      stderr: `Job for ${name}.service failed because the control process exited with error code.\nSee "systemctl status ${name}.service" and "journalctl -xeu ${name}.service" for details.\n`,
    };
  }
  await call.changes.record("service", "run", name);
  return undefined;
}

async function stop(call: CommandCall, name: string): Promise<CommandResult | undefined> {
  if (await call.host.units.stop(name)) await call.changes.record("service", "update", name);
  return undefined;
}

async function restart(call: CommandCall, name: string): Promise<CommandResult | undefined> {
  if (name === "ssh") await reload(call, name);
  else await call.host.units.restart(name);
  if (call.host.units.state(name) === "failed")
    return {
      code: 1,
      stderr: `Job for ${name}.service failed because the control process exited with error code.\n`,
    };
  await call.changes.record("service", "run", name);
  return undefined;
}

async function enable(
  call: CommandCall,
  name: string,
  flags: ReadonlySet<string>,
): Promise<CommandResult | undefined> {
  if (call.host.units.setEnabled(name, true)) await call.changes.record("service", "update", name);
  return flags.has("now") ? start(call, name) : undefined;
}

async function disable(
  call: CommandCall,
  name: string,
  flags: ReadonlySet<string>,
): Promise<CommandResult | undefined> {
  if (call.host.units.setEnabled(name, false)) await call.changes.record("service", "update", name);
  return flags.has("now") ? stop(call, name) : undefined;
}

async function reload(call: CommandCall, name: string): Promise<CommandResult | undefined> {
  if (name === "ssh" && call.host.reloadSsh()) await call.changes.record("host-key", "update", "ssh");
  return undefined;
}

const verbs: Readonly<Record<string, Verb>> = {
  start: overUnits((call, name) => start(call, name), "start"),
  stop: overUnits((call, name) => stop(call, name), "stop"),
  restart: overUnits((call, name) => restart(call, name), "restart"),
  "try-restart": overUnits(
    async (call, name) => (call.host.units.state(name) === "active" ? restart(call, name) : undefined),
    "try-restart",
  ),
  reload: overUnits(reload, "reload"),
  "reload-or-restart": overUnits(
    (call, name) => (name === "ssh" ? reload(call, name) : restart(call, name)),
    "reload-or-restart",
  ),
  "try-reload-or-restart": overUnits(
    (call, name) => (name === "ssh" ? reload(call, name) : restart(call, name)),
    "try-reload-or-restart",
  ),
  enable: overUnits(enable, "enable"),
  disable: overUnits(disable, "disable"),
  mask: overUnits(disable, "mask"),
  unmask: () => ({}),
  "reset-failed": () => ({}),
  "daemon-reload": (call) => {
    call.host.units.reload();
    return {};
  },
  "is-active": (call, names, flags) => {
    const states = names.map((name) => call.host.units.state(unitName(name)));
    return {
      code: states.some((state) => state === "active") ? 0 : states.includes("missing") ? 4 : 3,
      stdout: quietly(
        flags,
        states.map((state) => (state === "missing" ? "inactive" : state)),
      ),
    };
  },
  "is-failed": (call, names, flags) => {
    const states = names.map((name) => call.host.units.state(unitName(name)));
    return {
      code: states.includes("failed") ? 0 : 1,
      stdout: quietly(
        flags,
        states.map((state) => (state === "missing" ? "inactive" : state)),
      ),
    };
  },
  "is-enabled": (call, names, flags) => {
    const states = names.map((name) =>
      !call.host.units.exists(unitName(name))
        ? "not-found"
        : call.host.units.isEnabled(unitName(name))
          ? "enabled"
          : "disabled",
    );
    return {
      code: states.includes("enabled") ? 0 : states.includes("not-found") ? 4 : 1,
      stdout: quietly(flags, states),
    };
  },
  "is-system-running": () => ({ stdout: "running\n" }),
  status: (call, names) => {
    const [name = "ssh"] = names;
    const state = call.host.units.state(unitName(name));
    if (state === "missing") return { code: 4, stderr: `Unit ${fileName(name)} could not be found.\n` };
    return {
      code: state === "active" ? 0 : 3,
      stdout: `* ${fileName(name)}\n     Loaded: loaded\n     Active: ${state}\n`,
    };
  },
  show: (call, names) => {
    const [name = "ssh"] = names;
    const state = call.host.units.state(unitName(name));
    const all: Readonly<Record<string, string>> = {
      ActiveState: state === "missing" ? "inactive" : state,
      LoadState: state === "missing" ? "not-found" : "loaded",
      SubState: state === "active" ? "running" : "dead",
      UnitFileState: call.host.units.isEnabled(unitName(name)) ? "enabled" : "disabled",
      NRestarts: "0",
      MainPID: unitName(name) === "ssh" ? call.host.sshdPid() : "0",
    };
    const { values, flags } = parseOptions(call.args, "value no-pager", "p property");
    const wanted = (values.get("p") ?? values.get("property"))?.split(",") ?? Object.keys(all);
    return {
      stdout: wanted.map((key) => `${flags.has("value") ? "" : `${key}=`}${all[key] ?? ""}\n`).join(""),
    };
  },
  cat: () => ({ code: 1 }),
  "list-units": (call) => ({
    stdout: call.host.units
      .names()
      .map((name) => `${name}.service loaded ${call.host.units.state(name)}\n`)
      .join(""),
  }),
  "list-unit-files": (call) => ({
    stdout: call.host.units
      .names()
      .map((name) => `${name}.service ${call.host.units.isEnabled(name) ? "enabled" : "disabled"}\n`)
      .join(""),
  }),
  reboot: (call) => {
    call.host.reboot();
    return {};
  },
};

const quietly = (flags: ReadonlySet<string>, lines: readonly string[]) =>
  flags.has("q") || flags.has("quiet") ? "" : lines.map((line) => `${line}\n`).join("");
