import { snapshot } from "../change-log.js";
import type { Inode } from "../disk.js";
import { applyMode, longMode } from "../file-mode.js";
import { type CommandCall, type CommandFamily, type CommandResult, failure } from "../host.js";
import { reason } from "../shell/redirect.js";
import { parseOptions } from "./options.js";

/** Programs about files that need owners and modes. */
export const fileCommands: CommandFamily = {
  chown: (call) => changeOwner(call, true),
  chgrp: (call) => changeOwner(call, false),
  chmod: async (call) => {
    // A mode such as -x looks like an option.
    const args = call.args.map((arg) => (/^-[rwxXst]+$/.test(arg) ? `a${arg}` : arg));
    const { flags, operands } = parseOptions(args, "R f v c recursive");
    const [mode = "", ...files] = operands;
    return overFiles(call, files, flags.has("R") || flags.has("recursive"), async (path, inode) => {
      const wanted = applyMode(mode, inode.mode, inode.type === "directory", call.shell.state.umask);
      if (wanted === undefined) throw Object.assign(new Error(`invalid mode: '${mode}'`), { code: "EINVAL" });
      const before = snapshot(inode);
      call.host.disk.setMode(path, wanted, call.who);
      await call.changes.touched(realPath(call, path), before);
    });
  },
  mkdir: async (call) => {
    const { flags, values, operands } = parseOptions(call.args, "p v parents", "m mode");
    const parents = flags.has("p") || flags.has("parents");
    const mode = values.get("m") ?? values.get("mode");
    for (const operand of operands) {
      const path = call.path(operand);
      try {
        if (call.host.disk.find(path, call.who)?.type === "directory" && parents) continue;
        if (parents) await call.view.mkdir(path, { recursive: true });
        else await call.view.mkdir(path);
        if (mode !== undefined)
          call.host.disk.setMode(path, applyMode(mode, 0o777, true, 0) ?? 0o755, call.who);
      } catch (error) {
        return failure(call, `cannot create directory '${operand}': ${reason(error)}`);
      }
    }
    return {};
  },
  cp: async (call) => {
    const { flags, values, operands } = parseOptions(
      call.args,
      "r R a p f n T v d archive recursive force no-clobber",
      "t",
    );
    const into = values.get("t");
    const target = into ?? operands.at(-1) ?? "";
    const sources = into === undefined ? operands.slice(0, -1) : operands;
    if (sources.length === 0) return failure(call, "missing destination file operand");
    const recursive = ["r", "R", "a", "archive", "recursive"].some((flag) => flags.has(flag));
    const preserve = flags.has("a") || flags.has("p") || flags.has("archive");
    for (const source of sources) {
      try {
        const to = placeIn(call, source, target, flags.has("T"));
        if ((flags.has("n") || flags.has("no-clobber")) && call.host.disk.find(to)) continue;
        if (call.host.disk.stat(call.path(source), call.who).type === "directory" && !recursive)
          return failure(call, `-r not specified; omitting directory '${source}'`);
        await call.view.cp(call.path(source), to, { recursive });
        if (preserve) copyAttributes(call, call.path(source), to);
      } catch (error) {
        return failure(call, `cannot copy '${source}' to '${target}': ${reason(error)}`);
      }
    }
    return {};
  },
  mv: async (call) => {
    const { flags, values, operands } = parseOptions(call.args, "f n T v b force no-clobber", "t");
    const into = values.get("t");
    const target = into ?? operands.at(-1) ?? "";
    for (const source of into === undefined ? operands.slice(0, -1) : operands) {
      try {
        const to = placeIn(call, source, target, flags.has("T"));
        if (flags.has("n") && call.host.disk.find(to)) continue;
        await call.view.mv(call.path(source), to);
      } catch (error) {
        return failure(call, `cannot move '${source}' to '${target}': ${reason(error)}`);
      }
    }
    return {};
  },
  install: async (call) => {
    const { flags, values, operands } = parseOptions(
      call.args,
      "d D p v C c T directory compare",
      "m mode o owner g group t",
    );
    const mode = applyMode(values.get("m") ?? values.get("mode") ?? "0755", 0, false, 0) ?? 0o755;
    const owner = identify(
      call,
      values.get("o") ?? values.get("owner"),
      values.get("g") ?? values.get("group"),
    );
    if ("stderr" in owner) return owner;
    const { uid, gid } = owner as Owner;
    const settle = async (path: string, before: ReturnType<typeof snapshot>) => {
      call.host.disk.setMode(path, mode, call.who);
      if (uid !== undefined || gid !== undefined) call.host.disk.setOwner(path, uid, gid, call.who);
      await call.changes.touched(realPath(call, path), before);
    };
    if (flags.has("d") || flags.has("directory")) {
      for (const operand of operands) {
        const path = call.path(operand);
        const before = snapshot(call.host.disk.find(path, call.who));
        if (!before) await call.view.mkdir(path, { recursive: true });
        await settle(path, before ?? snapshot(call.host.disk.stat(path)));
      }
      return {};
    }
    const into = values.get("t");
    const target = into ?? operands.at(-1) ?? "";
    for (const source of into === undefined ? operands.slice(0, -1) : operands) {
      const content =
        source === "/dev/stdin" || source === "-"
          ? await call.input()
          : await call.view.readFileBuffer(call.path(source));
      const to = placeIn(call, source, target, flags.has("T"));
      if (flags.has("D")) await call.view.mkdir(to.slice(0, to.lastIndexOf("/")) || "/", { recursive: true });
      const before = snapshot(call.host.disk.find(to, call.who));
      call.host.disk.write(to, new Uint8Array(content), call.who, mode);
      await settle(to, before);
    }
    return {};
  },
  stat: async (call) => {
    const { flags, values, operands } = parseOptions(call.args, "L f t dereference terse", "c format printf");
    const format = values.get("c") ?? values.get("format");
    const printf = values.get("printf");
    const follow = flags.has("L") || flags.has("dereference");
    const lines: string[] = [];
    const errors: string[] = [];
    for (const operand of operands) {
      try {
        const inode = call.host.disk.stat(call.path(operand), call.who, follow);
        if (printf !== undefined)
          lines.push(describe(call, inode, operand, printf.replace(/\\n/g, "\n").replace(/\\t/g, "\t")));
        else
          lines.push(
            `${describe(call, inode, operand, format ?? "  File: %n\n  Size: %s\tBlocks: %b\tIO Block: 4096\t%F\nDevice: 8,1\tInode: %i\tLinks: 1\nAccess: (%04a/%A)  Uid: (%u/%U)   Gid: (%g/%G)\nModify: %y")}\n`,
          );
      } catch (error) {
        errors.push(`stat: cannot statx '${operand}': ${reason(error)}\n`);
      }
    }
    return { code: errors.length > 0 ? 1 : 0, stdout: lines.join(""), stderr: errors.join("") };
  },
  ls: async (call) => {
    const { flags, operands } = parseOptions(
      call.args,
      "l a A 1 d n h t r R F i S all almost-all directory color",
      "color",
    );
    const lines: string[] = [];
    const errors: string[] = [];
    const paths = operands.length > 0 ? operands : ["."];
    for (const operand of paths) {
      const path = call.path(operand);
      try {
        const inode = call.host.disk.stat(path, call.who, !flags.has("l"));
        if (inode.type !== "directory" || flags.has("d")) {
          lines.push(entryLine(call, operand, inode, flags));
          continue;
        }
        if (paths.length > 1) lines.push(`${lines.length > 0 ? "\n" : ""}${operand}:\n`);
        const names = call.host.disk
          .list(path, call.who)
          .filter((name) => flags.has("a") || flags.has("A") || !name.startsWith("."));
        if (flags.has("l")) lines.push(`total ${names.length * 4}\n`);
        for (const name of flags.has("a") ? [".", "..", ...names] : names)
          lines.push(entryLine(call, name, call.host.disk.stat(`${path}/${name}`, call.who, false), flags));
      } catch (error) {
        errors.push(`ls: cannot access '${operand}': ${reason(error)}\n`);
      }
    }
    return { code: errors.length > 0 ? 2 : 0, stdout: lines.join(""), stderr: errors.join("") };
  },
  cmp: async (call) => {
    const { flags, operands } = parseOptions(call.args, "s l b quiet silent", "n");
    const read = async (name: string) =>
      name === "-" || name === "/dev/stdin"
        ? call.input()
        : Buffer.from(await call.view.readFileBuffer(call.path(name)));
    const [one = "", other = "-"] = operands;
    let pair: Buffer[];
    try {
      pair = [await read(one), await read(other)];
    } catch (error) {
      const message = `cmp: ${(error as NodeJS.ErrnoException).path ?? one}: ${reason(error)}\n`;
      return { code: 2, stderr: flags.has("s") ? "" : message };
    }
    const [left = Buffer.alloc(0), right = Buffer.alloc(0)] = pair;
    if (left.equals(right)) return {};
    return {
      code: 1,
      stdout:
        flags.has("s") || flags.has("quiet") || flags.has("silent")
          ? ""
          : `${one} ${other} differ: byte 1, line 1\n`,
    };
  },
  mktemp: async (call) => {
    const { flags, values, operands } = parseOptions(call.args, "d q u t directory", "p tmpdir suffix");
    const directory = values.get("p") ?? values.get("tmpdir") ?? call.env.TMPDIR ?? "/tmp";
    const template = operands[0] ?? "tmp.XXXXXXXXXX";
    const name = template.replace(/X{3,}(?=[^X]*$)/, (run) =>
      Array.from(
        run,
        () =>
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[Math.floor(Math.random() * 62)],
      ).join(""),
    );
    if (name === template) return failure(call, `too few X's in template '${template}'`);
    const path =
      operands[0] === undefined || values.has("p") || flags.has("t") ? `${directory}/${name}` : name;
    const makesDirectory = flags.has("d") || flags.has("directory");
    try {
      if (makesDirectory) call.host.disk.makeDirectory(call.path(path), call.who, 0o700);
      else {
        call.host.disk.write(call.path(path), new Uint8Array(), call.who, 0o600);
        await call.changes.touched(call.path(path), undefined, false);
      }
    } catch (error) {
      return failure(
        call,
        `failed to create ${makesDirectory ? "directory" : "file"} via template '${template}': ${reason(error)}`,
      );
    }
    return { stdout: `${path}\n` };
  },
  realpath: (call) => ({
    stdout: parseOptions(call.args, "m e s q")
      .operands.map((path) => `${call.host.disk.realPath(call.path(path), call.who)}\n`)
      .join(""),
  }),
  truncate: async (call) => {
    const { values, operands } = parseOptions(call.args, "c", "s size");
    const size = Number(values.get("s") ?? values.get("size") ?? 0);
    for (const operand of operands) {
      const old = call.host.disk.find(call.path(operand))?.content ?? new Uint8Array();
      const content = new Uint8Array(size);
      content.set(old.subarray(0, size));
      await call.view.writeFile(call.path(operand), content);
    }
    return {};
  },
  dd: async (call) => {
    const options = new Map(
      call.args.map((arg) => [arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1)]),
    );
    const from = options.get("if");
    const to = options.get("of");
    const units: Readonly<Record<string, number>> = { "": 1, k: 1024, K: 1024, M: 1024 ** 2, c: 1 };
    const size = /^(\d+)([kKMc]?)$/.exec(options.get("bs") ?? "512");
    const limit = options.has("count")
      ? Number(options.get("count")) * Number(size?.[1] ?? 512) * (units[size?.[2] ?? ""] ?? 1)
      : undefined;
    const all =
      from === undefined
        ? await call.input()
        : from === "/dev/zero"
          ? Buffer.alloc(limit ?? 0)
          : Buffer.from(await call.view.readFileBuffer(call.path(from)));
    const data = all.subarray(0, limit ?? all.length);
    if (to === undefined) return { stdout: data };
    await call.view.writeFile(call.path(to), new Uint8Array(data));
    return {};
  },
};

const realPath = (call: CommandCall, path: string) => call.host.disk.realPath(path);

/** `cp x dir` means `dir/x`. */
function placeIn(call: CommandCall, source: string, target: string, exact: boolean): string {
  const path = call.path(target);
  const isDirectory = !exact && call.host.disk.find(path, call.who)?.type === "directory";
  return isDirectory ? `${path === "/" ? "" : path}/${source.replace(/\/+$/, "").split("/").at(-1)}` : path;
}

function copyAttributes(call: CommandCall, from: string, to: string): void {
  const { disk } = call.host;
  const source = disk.stat(from, call.who);
  disk.setMode(to, source.mode, call.who);
  if (call.who.uid === 0) disk.setOwner(to, source.uid, source.gid);
  disk.setTime(to, source.mtime, call.who);
  if (source.type === "directory")
    for (const name of disk.list(from, call.who)) copyAttributes(call, `${from}/${name}`, `${to}/${name}`);
}

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** Numbers of a user and a group given by name or number, or what the program says about them. */
function identify(
  call: CommandCall,
  user: string | undefined,
  group: string | undefined,
): Owner | CommandResult {
  const { accounts } = call.host;
  const uid =
    user === undefined || user === ""
      ? undefined
      : (accounts.user(user)?.uid ?? (/^\d+$/.test(user) ? Number(user) : null));
  const gid =
    group === undefined || group === ""
      ? undefined
      : (accounts.group(group)?.gid ?? (/^\d+$/.test(group) ? Number(group) : null));
  if (uid === null) return failure(call, `invalid user: '${user}'`);
  if (gid === null) return failure(call, `invalid group: '${group}'`);
  return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
}

async function changeOwner(call: CommandCall, withUser: boolean): Promise<CommandResult> {
  const { flags, values, operands } = parseOptions(
    call.args,
    "R h f v c no-dereference recursive",
    "reference from",
  );
  const reference = values.get("reference");
  const [specification = "", ...rest] = reference === undefined ? operands : ["", ...operands];
  const [user, group] = withUser ? specification.split(/[:.]/) : [undefined, specification];
  const model = reference === undefined ? undefined : call.host.disk.stat(call.path(reference), call.who);
  const owner = model
    ? { uid: model.uid, gid: model.gid }
    : identify(
        call,
        user,
        withUser && specification.endsWith(":")
          ? String(call.host.accounts.user(user ?? "")?.gid ?? "")
          : group,
      );
  if ("stderr" in owner) return owner;
  const wanted = owner as Owner;
  const follow = !flags.has("h") && !flags.has("no-dereference");
  return overFiles(call, rest, flags.has("R") || flags.has("recursive"), async (path, inode) => {
    if (
      (wanted.uid === undefined || wanted.uid === inode.uid) &&
      (wanted.gid === undefined || wanted.gid === inode.gid)
    )
      return;
    const before = snapshot(inode);
    call.host.disk.setOwner(path, wanted.uid, wanted.gid, call.who, follow);
    await call.changes.touched(follow ? realPath(call, path) : path, before);
  });
}

async function overFiles(
  call: CommandCall,
  files: readonly string[],
  recursive: boolean,
  change: (path: string, inode: Inode) => Promise<void>,
): Promise<CommandResult> {
  const errors: string[] = [];
  const visit = async (path: string) => {
    const inode = call.host.disk.stat(path, call.who);
    await change(path, inode);
    if (recursive && inode.type === "directory")
      for (const name of call.host.disk.list(path, call.who)) await visit(`${path}/${name}`);
  };
  for (const file of files) {
    try {
      await visit(call.path(file));
    } catch (error) {
      const what =
        { chown: "changing ownership of", chgrp: "changing group of", chmod: "changing permissions of" }[
          call.name
        ] ?? "changing";
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      errors.push(`${call.name}: ${missing ? "cannot access" : what} '${file}': ${reason(error)}\n`);
    }
  }
  return { code: errors.length > 0 ? 1 : 0, stderr: errors.join("") };
}

const typeNames: Readonly<Record<Inode["type"], string>> = {
  file: "regular file",
  directory: "directory",
  symlink: "symbolic link",
  socket: "socket",
};

function describe(call: CommandCall, inode: Inode, name: string, format: string): string {
  const { accounts } = call.host;
  const size = inode.type === "symlink" ? inode.target.length : inode.content.length;
  return format.replace(/%(0?\d*)([a-zA-Z%])/g, (whole, width: string, letter: string) => {
    const value = {
      a: inode.mode.toString(8),
      A: longMode(inode),
      f: inode.mode.toString(16),
      F: inode.type === "file" && size === 0 ? "regular empty file" : typeNames[inode.type],
      g: String(inode.gid),
      G: accounts.group(inode.gid)?.name ?? "UNKNOWN",
      u: String(inode.uid),
      U: accounts.user(inode.uid)?.name ?? "UNKNOWN",
      n: name,
      N: inode.type === "symlink" ? `'${name}' -> '${inode.target}'` : `'${name}'`,
      s: String(size),
      b: String(Math.ceil(size / 512)),
      B: "512",
      h: "1",
      i: String(inode.number),
      m: "/",
      y: inode.mtime.toISOString().replace("T", " ").replace("Z", "000000 +0000"),
      Y: String(Math.floor(inode.mtime.getTime() / 1000)),
      X: String(Math.floor(inode.mtime.getTime() / 1000)),
      Z: String(Math.floor(inode.mtime.getTime() / 1000)),
      "%": "%",
    }[letter];
    return value === undefined
      ? whole
      : value.padStart(Number(width || 0), width.startsWith("0") ? "0" : " ");
  });
}

function entryLine(call: CommandCall, name: string, inode: Inode, flags: ReadonlySet<string>): string {
  if (!flags.has("l") && !flags.has("n")) return `${name}\n`;
  const { accounts } = call.host;
  const user = flags.has("n") ? String(inode.uid) : (accounts.user(inode.uid)?.name ?? inode.uid);
  const group = flags.has("n") ? String(inode.gid) : (accounts.group(inode.gid)?.name ?? inode.gid);
  const time = inode.mtime.toISOString().slice(0, 16).replace("T", " ");
  const target = inode.type === "symlink" ? ` -> ${inode.target}` : "";
  return `${longMode(inode)} 1 ${user} ${group} ${String(inode.content.length).padStart(5)} ${time} ${name}${target}\n`;
}
