import { type CommandCall, type CommandFamily, type CommandResult, failure, needsRoot } from "../host.js";
import { patternToRegExp } from "../shell/pattern.js";
import { parseOptions } from "./options.js";

/** What `dpkg-query -W` prints without a format. */
const defaultFormat = `\${Package}\t\${Version}\n`;

/** APT and dpkg. */
export const packageCommands: CommandFamily = {
  "apt-get": aptGet,
  apt: aptGet,
  "apt-cache": (call) => {
    const [verb = "", ...names] = parseOptions(call.args, "q n").operands;
    const known = names.filter((name) => call.host.packages.isLocatable(name));
    if (verb === "policy")
      return {
        stdout: known
          .map(
            (name) =>
              `${name}:\n  Installed: ${call.host.packages.installed.get(name) ?? "(none)"}\n  Candidate: ${call.host.packages.version(name)}\n`,
          )
          .join(""),
      };
    if (known.length < names.length) return { code: 100, stderr: "E: No packages found\n" };
    return {
      stdout: known
        .map((name) => `Package: ${name}\nVersion: ${call.host.packages.version(name)}\n`)
        .join("\n"),
    };
  },
  "apt-mark": () => ({}),
  "debconf-set-selections": async (call) => {
    await call.input();
    return {};
  },
  dpkg: async (call) => {
    const args = call.args.filter((arg) => !arg.startsWith("--force"));
    if (args.some((arg) => arg === "--print-architecture")) return { stdout: "amd64\n" };
    if (args.includes("--configure")) return {};
    const names = args.filter((arg) => !arg.startsWith("-"));
    if (args.some((arg) => ["-r", "-P", "--remove", "--purge"].includes(arg))) {
      const refused = needsRoot(call, "dpkg: error: requested operation requires superuser privilege");
      if (refused) return { ...refused, code: 2 };
      for (const name of names)
        if (await call.host.packages.remove(name)) await call.changes.record("package", "delete", name);
      return {};
    }
    if (args.includes("-s") || args.includes("--status")) {
      const absent = names.find((name) => !call.host.packages.installed.has(name));
      if (absent)
        return {
          code: 1,
          stderr: `dpkg-query: package '${absent}' is not installed and no information is available\n`,
        };
      return {
        stdout: names
          .map(
            (name) =>
              `Package: ${name}\nStatus: install ok installed\nVersion: ${call.host.packages.installed.get(name)}\n`,
          )
          .join("\n"),
      };
    }
    if (args.includes("-l") || args.includes("--list"))
      return {
        stdout: [...call.host.packages.installed]
          .map(([name, version]) => `ii  ${name}  ${version}  amd64\n`)
          .join(""),
      };
    if (args.includes("--compare-versions")) {
      const [one = "", operator = "", other = ""] = names;
      const order = one.localeCompare(other, undefined, { numeric: true });
      const holds =
        { lt: order < 0, le: order <= 0, eq: order === 0, ne: order !== 0, ge: order >= 0, gt: order > 0 }[
          operator
        ] ?? false;
      return { code: holds ? 0 : 1 };
    }
    return failure(call, "error: the sandbox cannot install package files", 2);
  },
  "dpkg-query": (call) => {
    const { flags, values, operands } = parseOptions(call.args, "W s l show status list", "f showformat");
    const installed = call.host.packages.installed;
    const format = values.get("f") ?? values.get("showformat") ?? defaultFormat;
    const lines: string[] = [];
    const errors: string[] = [];
    for (const name of operands.length > 0 ? operands : [...installed.keys()]) {
      const matches = [...installed.keys()].filter(
        (one) => one === name || (/[*?[]/.test(name) && patternToRegExp(name).test(one)),
      );
      if (matches.length === 0) {
        errors.push(
          flags.has("s") || flags.has("status")
            ? `dpkg-query: package '${name}' is not installed and no information is available\n`
            : `dpkg-query: no packages found matching ${name}\n`,
        );
      }
      for (const one of matches) {
        const version = installed.get(one) ?? "";
        const fields: Readonly<Record<string, string>> = {
          Package: one,
          "binary:Package": one,
          Version: version,
          Status: "install ok installed",
          "db:Status-Status": "installed",
          "db:Status-Abbrev": "ii ",
          Architecture: "amd64",
        };
        if (flags.has("s") || flags.has("status"))
          lines.push(`Package: ${one}\nStatus: install ok installed\nVersion: ${version}\n`);
        else
          lines.push(
            format
              .replace(/\$\{([^};]+)(;-?\d+)?\}/g, (_, field: string) => fields[field] ?? "")
              .replace(/\\n/g, "\n")
              .replace(/\\t/g, "\t"),
          );
      }
    }
    return { code: errors.length > 0 ? 1 : 0, stdout: lines.join(""), stderr: errors.join("") };
  },
  gpg: async (call) => {
    const { flags, values, operands } = parseOptions(
      call.args,
      "dearmor batch yes no-tty q quiet import show-keys with-colons armor",
      "o output keyring no-default-keyring",
    );
    const data = operands[0]
      ? Buffer.from(await call.view.readFileBuffer(call.path(operands[0])))
      : await call.input();
    if (!flags.has("dearmor")) return {};
    if (!data.includes("-----BEGIN PGP")) return { code: 2, stderr: "gpg: no valid OpenPGP data found.\n" };
    const output = values.get("o") ?? values.get("output");
    if (!output) return { stdout: data };
    await call.view.writeFile(call.path(output), new Uint8Array(data));
    return {};
  },
};

async function aptGet(call: CommandCall): Promise<CommandResult> {
  const { operands } = parseOptions(
    call.args,
    "y q f m yes quiet assume-yes fix-broken no-install-recommends no-install-suggests allow-downgrades allow-change-held-packages auto-remove purge reinstall only-upgrade with-new-pkgs allow-releaseinfo-change",
    "o option t target-release c",
  );
  const [verb = "", ...names] = operands;
  const { packages, clock, timing } = call.host;
  const refused = needsRoot(
    call,
    "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)",
  );
  if (refused)
    return {
      code: 100,
      stderr:
        "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?\n",
    };
  switch (verb) {
    case "update": {
      await clock.sleep(timing.packageMs / 4, call.signal);
      const problem = packages.update();
      return problem ? { code: 100, stderr: problem } : { stdout: "Reading package lists...\n" };
    }
    case "install":
    case "reinstall": {
      const wanted = names.map((name) => name.replace(/[=/].*$/, "").replace(/:amd64$/, ""));
      const missing = wanted.filter((name) => !packages.installed.has(name) && !packages.isLocatable(name));
      if (missing.length > 0)
        return {
          code: 100,
          stdout: "Reading package lists...\n",
          stderr: missing.map((name) => `E: Unable to locate package ${name}\n`).join(""),
        };
      for (const name of wanted) {
        if (packages.installed.has(name)) continue;
        await clock.sleep(timing.packageMs, call.signal);
        if (await packages.install(name)) await call.changes.record("package", "create", name);
        await call.print(`Setting up ${name} (${packages.version(name)}) ...\n`);
      }
      return {};
    }
    case "remove":
    case "purge": {
      for (const name of names)
        if (await packages.remove(name)) await call.changes.record("package", "delete", name);
      return {};
    }
    case "upgrade":
    case "dist-upgrade":
    case "full-upgrade":
    case "autoremove":
    case "autoclean":
    case "clean":
    case "check":
    case "":
      return {};
    default:
      return { code: 100, stderr: `E: Invalid operation ${verb}\n` };
  }
}
