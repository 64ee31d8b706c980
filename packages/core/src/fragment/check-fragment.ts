import type { Problem } from "../contracts/context.js";
import type { NodeFragment } from "../contracts/fragment.js";

// What Debian allows: policy 5.6.1 (package names), useradd(8) (accounts), systemd.unit(5) (units).
const packageName = /^[a-z0-9][a-z0-9+.-]+$/;
const accountName = /^[a-z_][a-z0-9_-]{0,30}$/;
const unitName = /^[A-Za-z0-9:_.@-]+$/;
const sysctlName = /^[a-z0-9_-]+([./][A-Za-z0-9_-]+)+$/;
const octalMode = /^0?[0-7]{3,4}$/;
const absolutePath = /^(\/(?!\.{1,2}(\/|$))[^/\\\x00-\x1f\x7f]+)+$/;
const publicKey = /^[\x20-\x7e\u00a0-\uffff]+$/;
const debLine = /^deb(-src)? +[^\s[]\S* +\S+[^\n\r]*$/;

/** What is wrong with a fragment by itself; paths are relative to it. Empty when it can be applied. */
export function fragmentProblems(fragment: NodeFragment): Problem[] {
  const problems: Problem[] = [];
  const refuse = (path: string, message: string, given: string, hint?: string): void => {
    problems.push({ path, message, given: shown(given), ...(hint ? { hint } : {}) });
  };
  const wantMode = (path: string, mode: string | undefined): void => {
    if (mode !== undefined && !octalMode.test(mode))
      refuse(path, "is no octal mode", mode, "for example 0644");
  };
  const wantOwner = (path: string, owner: string | undefined): void => {
    if (owner === undefined) return;
    const [user = "", group = "", ...rest] = owner.split(":");
    if (rest.length > 0 || !accountName.test(user) || !accountName.test(group)) {
      refuse(path, "is no owner of the form user:group", owner, "names, not numbers; for example root:root");
    }
  };
  const wantPath = (path: string, given: string): void => {
    if (!absolutePath.test(given)) {
      refuse(path, "is no absolute path", given, "no . or .. parts, no // and no control characters");
    }
  };

  for (const [index, name] of (fragment.packages ?? []).entries()) {
    if (!packageName.test(name)) refuse(`packages.${index}`, "is no Debian package name", name);
  }
  for (const [index, source] of (fragment.aptSources ?? []).entries()) {
    if (!/^[a-z0-9-]+$/.test(source.name)) {
      refuse(`aptSources.${index}.name`, "may only have a-z, 0-9 and -", source.name);
    }
    if (!debLine.test(source.source)) {
      refuse(`aptSources.${index}.source`, "is no deb line without options", source.source);
    }
    if (!source.key.includes("-----BEGIN PGP PUBLIC KEY BLOCK-----")) {
      refuse(`aptSources.${index}.key`, "is no ASCII-armoured OpenPGP public key", source.key.slice(0, 40));
    }
  }
  for (const [index, directory] of (fragment.directories ?? []).entries()) {
    wantPath(`directories.${index}.path`, directory.path);
    wantMode(`directories.${index}.mode`, directory.mode);
    wantOwner(`directories.${index}.owner`, directory.owner);
  }
  for (const [index, file] of (fragment.files ?? []).entries()) {
    wantPath(`files.${index}.path`, file.path);
    wantMode(`files.${index}.mode`, file.mode);
    wantOwner(`files.${index}.owner`, file.owner);
  }
  for (const [index, path] of (fragment.leftovers ?? []).entries()) wantPath(`leftovers.${index}`, path);
  for (const [index, user] of (fragment.users ?? []).entries()) {
    if (!accountName.test(user.name)) refuse(`users.${index}.name`, "is no account name", user.name);
    for (const [position, group] of (user.groups ?? []).entries()) {
      if (!accountName.test(group)) refuse(`users.${index}.groups.${position}`, "is no group name", group);
    }
    for (const [position, key] of (user.authorizedKeys ?? []).entries()) {
      if (!publicKey.test(key)) {
        refuse(`users.${index}.authorizedKeys.${position}`, "is no public key in one line", key);
      }
    }
  }
  for (const [name, value] of Object.entries(fragment.sysctl ?? {})) {
    if (!sysctlName.test(name)) refuse(`sysctl.${name}`, "is no dotted name of a kernel setting", name);
    if (!/^[\x20-\x7e\t]+$/.test(value)) refuse(`sysctl.${name}`, "is no value in one line", value);
  }
  for (const [index, service] of (fragment.services ?? []).entries()) {
    if (!unitName.test(service.name)) refuse(`services.${index}.name`, "is no unit name", service.name);
    for (const [position, path] of (service.restartOn ?? []).entries()) {
      wantPath(`services.${index}.restartOn.${position}`, path);
    }
  }
  for (const [index, command] of (fragment.commands ?? []).entries()) {
    if (!/^[^\x00-\x1f\x7f]+$/.test(command.name)) {
      refuse(`commands.${index}.name`, "is no name in one line", command.name);
    }
    for (const part of ["run", "unless"] as const) {
      if (command[part]?.includes("\0")) refuse(`commands.${index}.${part}`, "has a NUL byte", command.name);
    }
  }
  return problems;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
