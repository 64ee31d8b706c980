import { type CommandCall, type CommandFamily, type CommandResult, failure, needsRoot } from "../host.js";
import { parseOptions } from "./options.js";

/** Kernel settings and modules: `sysctl`, `modprobe`, `lsmod`. */
export const kernelCommands: CommandFamily = {
  sysctl: async (call) => {
    const { flags, operands, unknown } = parseOptions(
      call.args.map((arg) => (arg === "--load" ? "-p" : arg)),
      "w n q e a N p values quiet ignore write system all",
      "r pattern",
    );
    if (unknown) return failure(call, `unrecognized option '${unknown}'`);
    const quiet = flags.has("q") || flags.has("quiet");
    const lines: string[] = [];
    const errors: string[] = [];
    const set = async (name: string, value: string) => {
      if (call.host.kernel.get(name) === undefined) {
        if (!flags.has("e") && !flags.has("ignore"))
          errors.push(
            `sysctl: cannot stat /proc/sys/${name.split(/[./]/).join("/")}: No such file or directory\n`,
          );
        return;
      }
      if (call.who.uid !== 0) {
        errors.push(`sysctl: permission denied on key "${name}"\n`);
        return;
      }
      if (call.host.kernel.set(name, value)) await call.changes.record("sysctl", "update", name);
      if (!quiet) lines.push(flags.has("n") ? `${value}\n` : `${name} = ${value}\n`);
    };
    const loadFile = async (path: string) => {
      for (const line of (await call.view.readFile(path)).split("\n")) {
        const match = /^\s*-?\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
        if (match) await set((match[1] as string).replaceAll("/", "."), match[2] as string);
      }
    };
    if (flags.has("system")) {
      for (const path of systemFiles(call)) await loadFile(path);
    } else if (flags.has("p")) {
      for (const file of operands.length > 0 ? operands : ["/etc/sysctl.conf"]) {
        try {
          await loadFile(call.path(file));
        } catch {
          errors.push(`sysctl: cannot open "${file}": No such file or directory\n`);
        }
      }
    } else if (flags.has("a") || flags.has("all")) {
      for (const name of call.host.kernel.names()) lines.push(`${name} = ${call.host.kernel.get(name)}\n`);
    } else {
      for (const operand of operands) {
        const at = operand.indexOf("=");
        const name = (at < 0 ? operand : operand.slice(0, at)).trim().replaceAll("/", ".");
        if (at >= 0) {
          await set(name, operand.slice(at + 1).trim());
          continue;
        }
        const value = call.host.kernel.get(name);
        if (value !== undefined)
          lines.push(flags.has("n") || flags.has("values") ? `${value}\n` : `${name} = ${value}\n`);
        else if (!flags.has("e") && !flags.has("ignore"))
          errors.push(
            `sysctl: cannot stat /proc/sys/${name.split(".").join("/")}: No such file or directory\n`,
          );
      }
    }
    return { code: errors.length > 0 ? 1 : 0, stdout: lines.join(""), stderr: errors.join("") };
  },
  modprobe: async (call): Promise<CommandResult> => {
    const { flags, operands } = parseOptions(call.args, "a r q v n all remove quiet dry-run first-time");
    const refused = needsRoot(call, "ERROR: could not insert module: Operation not permitted");
    if (refused) return refused;
    const removing = flags.has("r") || flags.has("remove");
    const names = flags.has("a") || flags.has("all") || removing ? operands : operands.slice(0, 1);
    for (const name of names) {
      if (removing) {
        call.host.kernel.unload(name);
        continue;
      }
      const loaded = call.host.kernel.load(name);
      if (loaded === undefined)
        return flags.has("q")
          ? { code: 1 }
          : failure(
              call,
              `FATAL: Module ${name} not found in directory /lib/modules/${call.host.kernel.get("kernel.osrelease")}`,
            );
      if (loaded) await call.changes.record("module", "create", name);
    }
    return {};
  },
  lsmod: (call) => ({
    stdout: `Module                  Size  Used by\n${Buffer.from(call.host.disk.read("/proc/modules"))
      .toString("utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => `${line.split(" ")[0]?.padEnd(23)} 16384  0\n`)
      .join("")}`,
  }),
};

function systemFiles(call: CommandCall): string[] {
  const folder = "/etc/sysctl.d";
  const names = call.host.disk.find(folder)
    ? call.host.disk.list(folder).filter((name) => name.endsWith(".conf"))
    : [];
  const last = call.host.disk.find("/etc/sysctl.conf") ? ["/etc/sysctl.conf"] : [];
  return [...names.map((name) => `${folder}/${name}`), ...last];
}
