import { snapshot } from "../change-log.js";
import { type Descriptor, nullDescriptor, sourceOf } from "./descriptors.js";
import { expandString } from "./expand.js";
import type { Shell } from "./shell.js";
import { ShellError } from "./state.js";
import type { RedirectionNode } from "./syntax.js";

/**
 * Applies redirections to the shell's descriptors. Returns a function that undoes them, which also counts what
 * was written to the files: `exec` does not undo. What `exec` opens meanwhile, inside of a compound command, stays.
 */
export async function redirect(
  shell: Shell,
  redirections: readonly RedirectionNode[],
): Promise<() => Promise<void>> {
  const { descriptors } = shell.state;
  const saved = new Map(descriptors);
  const written: string[] = [];
  const undo = async (redirected: ReadonlyMap<number, Descriptor>) => {
    const before = new Set(saved.values());
    for (const fd of new Set([...saved.keys(), ...redirected.keys()])) {
      const [old, ours] = [saved.get(fd), redirected.get(fd)];
      if (old === ours) continue;
      if (ours && !before.has(ours)) closeDescriptor(ours);
      if (old) descriptors.set(fd, old);
      else descriptors.delete(fd);
    }
    for (const path of written) await shell.changes.settle(path);
  };
  try {
    for (const one of redirections) await apply(shell, one, written);
  } catch (error) {
    await undo(descriptors);
    throw error;
  }
  const redirected = new Map(descriptors);
  return () => undo(redirected);
}

async function apply(shell: Shell, node: RedirectionNode, written: string[]): Promise<void> {
  const { descriptors } = shell.state;
  if (node.target.type === "HereDoc") {
    const raw = await expandString(shell, node.target.content);
    const text = node.target.stripTabs ? raw.replace(/^\t+/gm, "") : raw;
    descriptors.set(node.fd ?? 0, { source: sourceOf(text) });
    return;
  }
  const target = await expandString(shell, node.target);
  switch (node.operator) {
    case "<<<":
      if (shell.state.dialect === "dash")
        throw new ShellError("Syntax error: redirection unexpected", 2, true);
      descriptors.set(node.fd ?? 0, { source: sourceOf(`${target}\n`) });
      return;
    case "<":
      descriptors.set(node.fd ?? 0, await openForReading(shell, target));
      return;
    case "<>":
      descriptors.set(node.fd ?? 0, await openForWriting(shell, target, true, written));
      return;
    case ">":
    case ">|":
    case ">>":
      descriptors.set(node.fd ?? 1, await openForWriting(shell, target, node.operator === ">>", written));
      return;
    case "&>":
    case "&>>": {
      const both = await openForWriting(shell, target, node.operator === "&>>", written);
      descriptors.set(1, both);
      descriptors.set(2, both);
      return;
    }
    case ">&":
    case "<&": {
      const fd = node.fd ?? (node.operator === ">&" ? 1 : 0);
      if (target === "-") descriptors.delete(fd);
      else if (/^\d+-?$/.test(target)) {
        const source = descriptors.get(Number.parseInt(target, 10));
        if (!source) throw new ShellError(`${target}: Bad file descriptor`, 2);
        descriptors.set(fd, source);
        if (target.endsWith("-")) descriptors.delete(Number.parseInt(target, 10));
      } else {
        const both = await openForWriting(shell, target, false, written);
        descriptors.set(1, both);
        descriptors.set(2, both);
      }
      return;
    }
    default:
      throw new ShellError(`the sandbox's shell does not know ${node.operator}`, 2);
  }
}

function standard(shell: Shell, path: string): Descriptor | undefined {
  const numbered = /^\/dev\/fd\/(\d+)$/.exec(path)?.[1];
  const fd = numbered ? Number(numbered) : { "/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2 }[path];
  return fd === undefined ? undefined : shell.state.descriptors.get(fd);
}

async function openForReading(shell: Shell, target: string): Promise<Descriptor> {
  if (target === "/dev/null") return nullDescriptor;
  const known = standard(shell, target);
  if (known) return known;
  const path = shell.resolve(target);
  try {
    return { source: sourceOf(await shell.view.readFileBuffer(path)), path, closers: [] };
  } catch (error) {
    throw new ShellError(`cannot open ${target}: ${reason(error)}`, 2);
  }
}

async function openForWriting(
  shell: Shell,
  target: string,
  append: boolean,
  written: string[],
): Promise<Descriptor> {
  if (target === "/dev/null" || target === "/dev/tty") return nullDescriptor;
  const known = standard(shell, target);
  if (known) return known;
  const path = shell.resolve(target);
  const { disk } = shell.host;
  try {
    const existing = disk.find(path, shell.who);
    const before = snapshot(existing);
    const mode = 0o666 & ~shell.state.umask;
    const inode = disk.write(
      path,
      append ? (existing?.content ?? new Uint8Array()) : new Uint8Array(),
      shell.who,
      mode,
    );
    const real = disk.realPath(path);
    if (!append || !existing) await shell.changes.touched(real, before, false);
    written.push(real);
    return {
      path: real,
      closers: [],
      source: sourceOf(inode.content),
      sink: {
        async write(data) {
          await shell.changes.touched(real, snapshot(inode), false);
          inode.content = new Uint8Array(Buffer.concat([inode.content, data]));
          inode.mtime = new Date();
        },
      },
    };
  } catch (error) {
    throw new ShellError(`cannot create ${target}: ${reason(error)}`, 2);
  }
}

/** Ends what is tied to an open file, such as a lock. */
export function closeDescriptor(descriptor: Descriptor): void {
  for (const close of descriptor.closers?.splice(0) ?? []) close();
}

/** What strerror would say. */
export function reason(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "EACCES":
      return "Permission denied";
    case "EPERM":
      return "Operation not permitted";
    case "ENOENT":
      return "No such file or directory";
    case "EISDIR":
      return "Is a directory";
    case "ENOTDIR":
      return "Not a directory";
    case "EEXIST":
      return "File exists";
    case "ENOTEMPTY":
      return "Directory not empty";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
