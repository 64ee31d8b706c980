import type { Credentials, Disk } from "./disk.js";

/** A line of `/etc/passwd`. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
}

/** A line of `/etc/group`. */
export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** What a new user is to have. */
export interface NewUser {
  readonly name: string;
  readonly home?: string;
  readonly shell?: string;
  readonly comment?: string;
  readonly groups?: readonly string[];
  readonly createHome?: boolean;
  readonly system?: boolean;
}

/** Users and groups of a machine. `/etc/passwd` and `/etc/group` on its disk are the truth. */
export type Accounts = ReturnType<typeof createAccounts>;

export function createAccounts(disk: Disk) {
  const text = (path: string) => Buffer.from(disk.find(path)?.content ?? []).toString("utf8");
  const lines = (path: string) =>
    text(path)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(":"));
  const store = (path: string, rows: readonly string[], mode = 0o644) =>
    void disk.write(path, Buffer.from(`${rows.join("\n")}\n`), undefined, mode);

  const users = (): Account[] =>
    lines("/etc/passwd").map(([name = "", , uid, gid, comment = "", home = "/", shell = ""]) => ({
      name,
      uid: Number(uid),
      gid: Number(gid),
      comment,
      home,
      shell,
    }));
  const groups = (): Group[] =>
    lines("/etc/group").map(([name = "", , gid, members = ""]) => ({
      name,
      gid: Number(gid),
      members: members.split(",").filter(Boolean),
    }));
  const saveUsers = (all: readonly Account[]) =>
    store(
      "/etc/passwd",
      all.map((user) => `${user.name}:x:${user.uid}:${user.gid}:${user.comment}:${user.home}:${user.shell}`),
    );
  const saveGroups = (all: readonly Group[]) =>
    store(
      "/etc/group",
      all.map((group) => `${group.name}:x:${group.gid}:${group.members.join(",")}`),
    );
  const nextId = (taken: readonly number[], system: boolean) => {
    let id = system ? 100 : 1000;
    while (taken.includes(id)) id += 1;
    return id;
  };

  function user(nameOrId: string | number): Account | undefined {
    return users().find((one) => one.name === nameOrId || String(one.uid) === String(nameOrId));
  }
  function group(nameOrId: string | number): Group | undefined {
    return groups().find((one) => one.name === nameOrId || String(one.gid) === String(nameOrId));
  }
  function addGroup(name: string, system = false, gid?: number): Group {
    const all = groups();
    const made = {
      name,
      gid:
        gid ??
        nextId(
          all.map((one) => one.gid),
          system,
        ),
      members: [],
    };
    saveGroups([...all, made]);
    return made;
  }
  /** Groups of a user by name, the primary one first. */
  function groupsOf(name: string): Group[] {
    const account = user(name);
    const all = groups();
    return [
      ...all.filter((one) => one.gid === account?.gid),
      ...all.filter((one) => one.gid !== account?.gid && one.members.includes(name)),
    ];
  }

  return {
    users,
    groups,
    user,
    group,
    groupsOf,
    addGroup,
    addUser(wanted: NewUser): Account {
      const system = wanted.system ?? false;
      const own = group(wanted.name) ?? addGroup(wanted.name, system);
      const all = users();
      const uid = all.some((one) => one.uid === own.gid)
        ? nextId(
            all.map((one) => one.uid),
            system,
          )
        : own.gid;
      const made: Account = {
        name: wanted.name,
        uid,
        gid: own.gid,
        comment: wanted.comment ?? "",
        home: wanted.home ?? `/home/${wanted.name}`,
        shell: wanted.shell ?? "/bin/sh",
      };
      saveUsers([...all, made]);
      store(
        "/etc/shadow",
        [...text("/etc/shadow").split("\n").filter(Boolean), `${made.name}:!:19700:0:99999:7:::`],
        0o640,
      );
      if (wanted.createHome !== false) {
        disk.ensureDirectory(made.home, 0o755);
        disk.setOwner(made.home, made.uid, made.gid);
      }
      for (const name of wanted.groups ?? []) this.join(made.name, name);
      return made;
    },
    change(name: string, fields: Partial<Account>): void {
      saveUsers(users().map((one) => (one.name === name ? { ...one, ...fields } : one)));
    },
    removeUser(name: string): void {
      saveUsers(users().filter((one) => one.name !== name));
      saveGroups(
        groups().map((one) => ({ ...one, members: one.members.filter((member) => member !== name) })),
      );
    },
    removeGroup(name: string): void {
      saveGroups(groups().filter((one) => one.name !== name));
    },
    /** Adds a user to an existing group; true when it was not in it. */
    join(name: string, groupName: string): boolean {
      if (groupsOf(name).some((one) => one.name === groupName)) return false;
      saveGroups(
        groups().map((one) => (one.name === groupName ? { ...one, members: [...one.members, name] } : one)),
      );
      return true;
    },
    leave(name: string, groupName: string): boolean {
      const was = group(groupName)?.members.includes(name) ?? false;
      saveGroups(
        groups().map((one) =>
          one.name === groupName ? { ...one, members: one.members.filter((member) => member !== name) } : one,
        ),
      );
      return was;
    },
    credentials(name: string): Credentials | undefined {
      const account = user(name);
      if (!account) return undefined;
      return {
        name,
        uid: account.uid,
        gid: account.gid,
        groups: new Set([account.gid, ...groupsOf(name).map((one) => one.gid)]),
      };
    },
    /** Sets the password field of `/etc/shadow`. */
    setPassword(name: string, hash: string): void {
      store(
        "/etc/shadow",
        text("/etc/shadow")
          .split("\n")
          .filter(Boolean)
          .map((line) => {
            const fields = line.split(":");
            return fields[0] === name ? [name, hash, ...fields.slice(2)].join(":") : line;
          }),
        0o640,
      );
    },
    isLocked: (name: string) => /^[!*]/.test(lines("/etc/shadow").find(([one]) => one === name)?.[1] ?? "!"),
  };
}
