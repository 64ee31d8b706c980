import { type CommandCall, type CommandFamily, type CommandResult, failure, needsRoot } from "../host.js";
import { parseOptions } from "./options.js";

/** Users and groups: `id`, `getent`, `useradd` and their kin. */
export const accountCommands: CommandFamily = {
  id: (call) => {
    const { flags, operands } = parseOptions(call.args, "u g G n r user group groups name");
    const name = operands[0] ?? call.who.name;
    const account = call.host.accounts.user(name);
    if (!account) return failure(call, `'${name}': no such user`);
    const groups = call.host.accounts.groupsOf(account.name);
    const named = flags.has("n") || flags.has("name");
    const out = (text: string) => ({ stdout: `${text}\n` });
    if (flags.has("u") || flags.has("user")) return out(named ? account.name : String(account.uid));
    if (flags.has("g") || flags.has("group"))
      return out(named ? (groups[0]?.name ?? "") : String(account.gid));
    if (flags.has("G") || flags.has("groups"))
      return out(groups.map((group) => (named ? group.name : String(group.gid))).join(" "));
    return out(
      `uid=${account.uid}(${account.name}) gid=${account.gid}(${groups[0]?.name ?? account.gid}) groups=${groups.map((group) => `${group.gid}(${group.name})`).join(",")}`,
    );
  },
  whoami: (call) => ({ stdout: `${call.who.name}\n` }),
  groups: (call) => ({
    stdout: `${call.host.accounts
      .groupsOf(call.args[0] ?? call.who.name)
      .map((group) => group.name)
      .join(" ")}\n`,
  }),
  getent: (call) => {
    const [database = "", ...keys] = call.args;
    const file = {
      passwd: "/etc/passwd",
      group: "/etc/group",
      hosts: "/etc/hosts",
      shadow: "/etc/shadow",
      ahosts: "/etc/hosts",
    }[database];
    if (!file) return failure(call, `Unknown database: ${database}`);
    const lines = Buffer.from(call.host.disk.find(file)?.content ?? [])
      .toString("utf8")
      .split("\n")
      .filter(Boolean);
    const fields = (line: string) =>
      database.endsWith("hosts") ? line.split(/\s+/) : [line.split(":")[0], line.split(":")[2]];
    const found =
      keys.length === 0
        ? lines
        : keys.flatMap((key) => lines.filter((line) => fields(line).includes(key)).slice(0, 1));
    return { code: found.length < keys.length ? 2 : 0, stdout: found.map((line) => `${line}\n`).join("") };
  },
  useradd,
  adduser: useradd,
  usermod: async (call) => {
    const { values, flags, operands, unknown } = parseOptions(
      call.args,
      "a append L U lock unlock m",
      "G groups s shell d home g gid u uid c comment p password e",
    );
    const [name = ""] = operands;
    const refused =
      needsRoot(call, "Permission denied.") ??
      (unknown ? failure(call, `invalid option ${unknown}`, 2) : undefined);
    if (refused) return refused;
    const { accounts } = call.host;
    const user = accounts.user(name);
    if (!user) return failure(call, `user '${name}' does not exist`, 6);
    let changed = false;
    const groups = (values.get("G") ?? values.get("groups"))?.split(",").filter(Boolean);
    const missing = groups?.find((group) => !accounts.group(group));
    if (missing) return failure(call, `group '${missing}' does not exist`, 6);
    if (groups) {
      if (!flags.has("a") && !flags.has("append"))
        for (const group of accounts.groupsOf(name).slice(1))
          if (!groups.includes(group.name)) changed = accounts.leave(name, group.name) || changed;
      for (const group of groups) changed = accounts.join(name, group) || changed;
    }
    const shell = values.get("s") ?? values.get("shell");
    const home = values.get("d") ?? values.get("home");
    if (shell && shell !== user.shell) {
      accounts.change(name, { shell });
      changed = true;
    }
    if (home && home !== user.home) {
      accounts.change(name, { home });
      changed = true;
    }
    if (changed) await call.changes.record("user", "update", name);
    return {};
  },
  userdel: async (call) => {
    const [name = ""] = parseOptions(call.args, "r f remove force").operands;
    const refused = needsRoot(call);
    if (refused) return refused;
    if (!call.host.accounts.user(name)) return failure(call, `user '${name}' does not exist`, 6);
    call.host.accounts.removeUser(name);
    await call.changes.record("user", "delete", name);
    return {};
  },
  groupadd: async (call) => {
    const { flags, values, operands } = parseOptions(call.args, "r f system force", "g gid");
    const [name = ""] = operands;
    const refused = needsRoot(call);
    if (refused) return refused;
    if (call.host.accounts.group(name))
      return flags.has("f") || flags.has("force") ? {} : failure(call, `group '${name}' already exists`, 9);
    const gid = values.get("g") ?? values.get("gid");
    call.host.accounts.addGroup(
      name,
      flags.has("r") || flags.has("system"),
      gid === undefined ? undefined : Number(gid),
    );
    await call.changes.record("group", "create", name);
    return {};
  },
  groupdel: async (call) => {
    const [name = ""] = call.args;
    const refused = needsRoot(call);
    if (refused) return refused;
    if (!call.host.accounts.group(name)) return failure(call, `group '${name}' does not exist`, 6);
    call.host.accounts.removeGroup(name);
    await call.changes.record("group", "delete", name);
    return {};
  },
  gpasswd: async (call) => {
    const { values, operands } = parseOptions(call.args, "", "a d add delete");
    const [group = ""] = operands;
    const refused = needsRoot(call);
    if (refused) return refused;
    const { accounts } = call.host;
    if (!accounts.group(group)) return failure(call, `group '${group}' does not exist in /etc/group`, 3);
    const added = values.get("a") ?? values.get("add");
    const removed = values.get("d") ?? values.get("delete");
    const user = added ?? removed ?? "";
    if (!accounts.user(user)) return failure(call, `user '${user}' does not exist`, 3);
    if (added ? accounts.join(user, group) : accounts.leave(user, group))
      await call.changes.record("user", "update", user);
    return {
      stdout: added
        ? `Adding user ${user} to group ${group}\n`
        : `Removing user ${user} from group ${group}\n`,
    };
  },
  chpasswd: async (call) => {
    const refused = needsRoot(call);
    if (refused) return refused;
    for (const line of (await call.input()).toString("utf8").split("\n").filter(Boolean)) {
      const [name = "", ...password] = line.split(":");
      if (!call.host.accounts.user(name)) return failure(call, `(line 1, user ${name}) password not changed`);
      call.host.accounts.setPassword(name, call.args.includes("-e") ? password.join(":") : "$6$sandbox$x");
      await call.changes.record("user", "update", name);
    }
    return {};
  },
  passwd: async (call) => {
    const { flags, operands } = parseOptions(call.args, "l u d S lock unlock delete status");
    const name = operands[0] ?? call.who.name;
    const { accounts } = call.host;
    if (!accounts.user(name)) return failure(call, `user '${name}' does not exist`);
    if (flags.has("S") || flags.has("status"))
      return { stdout: `${name} ${accounts.isLocked(name) ? "L" : "P"} 2024-01-01 0 99999 7 -1\n` };
    const refused = needsRoot(call);
    if (refused) return refused;
    if (!flags.has("l") && !flags.has("lock"))
      return failure(call, "Authentication token manipulation error", 10);
    if (accounts.isLocked(name)) return {};
    accounts.setPassword(name, "!");
    await call.changes.record("user", "update", name);
    return {};
  },
};

async function useradd(call: CommandCall): Promise<CommandResult> {
  const { flags, values, operands, unknown } = parseOptions(
    call.args,
    "m M r U N create-home no-create-home system user-group disabled-password quiet",
    "s shell d home home-dir c comment G groups g gid u uid p password K k e gecos",
  );
  const refused =
    needsRoot(call, "Permission denied.") ??
    (unknown ? failure(call, `invalid option -- '${unknown}'`, 2) : undefined);
  if (refused) return refused;
  const [name = ""] = operands;
  const { accounts } = call.host;
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(name)) return failure(call, `invalid user name '${name}'`, 3);
  if (accounts.user(name)) return failure(call, `user '${name}' already exists`, 9);
  const groups = (values.get("G") ?? values.get("groups"))?.split(",").filter(Boolean) ?? [];
  const missing = groups.find((group) => !accounts.group(group));
  if (missing) return failure(call, `group '${missing}' does not exist`, 6);
  const hasGroup = values.has("g") || values.has("gid");
  if (accounts.group(name) && !hasGroup && !flags.has("N"))
    return failure(call, `group ${name} exists - if you want to add this user to that group, use -g.`, 9);
  const shell = values.get("s") ?? values.get("shell");
  const home = values.get("d") ?? values.get("home") ?? values.get("home-dir");
  accounts.addUser({
    name,
    groups,
    createHome: flags.has("m") || flags.has("create-home") || call.name === "adduser",
    system: flags.has("r") || flags.has("system"),
    ...(shell ? { shell } : {}),
    ...(home ? { home } : {}),
  });
  const password = values.get("p") ?? values.get("password");
  if (password !== undefined) accounts.setPassword(name, password);
  await call.changes.record("user", "create", name);
  return {};
}
