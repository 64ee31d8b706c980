import type { Inode } from "./disk.js";

/** A mode as `chmod` takes it, octal or symbolic, applied to an old one; `undefined` when it is neither. */
export function applyMode(
  text: string,
  old: number,
  isDirectory: boolean,
  umask: number,
): number | undefined {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  let mode = old;
  for (const clause of text.split(",")) {
    const match = /^([ugoa]*)((?:[-+=][rwxXst]*|[-+=][ugo])+)$/.exec(clause);
    if (!match) return undefined;
    const [, who = "", actions = ""] = match;
    const targets = who === "" || who.includes("a") ? "ugo" : who;
    for (const [, operator = "", permissions = ""] of actions.matchAll(/([-+=])([rwxXst]*|[ugo])/g)) {
      let bits = 0;
      for (const target of targets) {
        const shift = { u: 6, g: 3, o: 0 }[target as "u"];
        let three = 0;
        if (permissions.includes("r")) three |= 4;
        if (permissions.includes("w")) three |= 2;
        if (permissions.includes("x") || (permissions.includes("X") && (isDirectory || (old & 0o111) !== 0)))
          three |= 1;
        const copied = /^[ugo]$/.exec(permissions);
        if (copied) three = (old >> { u: 6, g: 3, o: 0 }[copied[0] as "u"]) & 7;
        bits |= three << shift;
        if (permissions.includes("s") && target !== "o") bits |= target === "u" ? 0o4000 : 0o2000;
        if (operator === "=") mode &= ~(7 << shift);
      }
      if (permissions.includes("t")) bits |= 0o1000;
      if (who === "") bits &= ~umask;
      mode = operator === "-" ? mode & ~bits : mode | bits;
    }
  }
  return mode;
}

/** `drwxr-xr-x`. */
export function longMode(inode: Pick<Inode, "type" | "mode">): string {
  const type = { file: "-", directory: "d", symlink: "l", socket: "s" }[inode.type];
  const three = (shift: number, special: number, letter: string) => {
    const bits = inode.mode >> shift;
    const execute = (bits & 1) !== 0;
    const last =
      (inode.mode & special) !== 0 ? (execute ? letter : letter.toUpperCase()) : execute ? "x" : "-";
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  };
  return type + three(6, 0o4000, "s") + three(3, 0o2000, "s") + three(0, 0o1000, "t");
}
