import { gunzipSync } from "node:zlib";
import { silentLog } from "./change-log.js";
import { root } from "./disk.js";
import type { Host } from "./host.js";
import { generateHostKeys, writeHostKey } from "./host-keys.js";
import { addLoginUser, authorize } from "./image.js";
import { createCollector, nullDescriptor } from "./shell/descriptors.js";
import { readUserData } from "./user-data.js";

/** The first boot's configuration, and what `cloud-init status` says of it. */
export interface CloudInit {
  /** Init stage, before the SSH server starts: files, users, SSH keys, host name. */
  init(): Promise<void>;
  /** Config and final stages: packages, deferred files, `runcmd`. */
  final(): Promise<void>;
  /** Resolves when it has ended, well or not; rejects when the signal aborts. */
  done(signal: AbortSignal): Promise<void>;
  status(): { readonly code: number; readonly text: string; readonly json: StatusJson };
  /** Makes it end with an error. */
  fail(reason: string): void;
}

interface StatusJson {
  readonly status: string;
  readonly extended_status: string;
  readonly boot_status_code: string;
  readonly datasource: string;
  readonly detail: string;
  readonly errors: readonly string[];
  readonly recoverable_errors: Readonly<Record<string, readonly string[]>>;
  readonly last_update: string;
}

/** What cloud-init is given. */
export interface CloudInitOptions {
  readonly userData: string | Uint8Array | undefined;
  readonly sshKeys: readonly string[];
  readonly hostname: string;
  readonly loginUser: string;
  /** Lines of the machine's console. */
  log(line: string): void;
}

type Fields = Readonly<Record<string, unknown>>;

const text = (value: unknown) => (value === undefined || value === null ? "" : String(value));
const list = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? (value as Fields) : {};
const words = (value: unknown): string[] =>
  Array.isArray(value)
    ? value.map(String)
    : text(value)
        .split(/[\s,]+/)
        .filter(Boolean);
const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

export function createCloudInit(host: () => Host, options: CloudInitOptions): CloudInit {
  const { config, script, warnings } = readUserData(options.userData);
  const errors: string[] = [];
  let stage: "waiting" | "running" | "ended" = "waiting";
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });

  async function module(name: string, work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      errors.push(`('${name}', ${error instanceof Error ? error.message : String(error)})`);
      options.log(`cloud-init: module ${name} failed: ${error}`);
    }
  }

  /** List items that are strings are lines of one script; items that are lists are quoted words. */
  async function runLines(name: string, items: unknown): Promise<void> {
    const lines = list(items).map((item) =>
      Array.isArray(item) ? item.map((word) => quote(String(word))).join(" ") : text(item),
    );
    if (lines.length > 0) await runText(name, `#!/bin/sh\n${lines.join("\n")}\n`);
  }

  async function runText(name: string, content: string): Promise<void> {
    const output = createCollector();
    const start = {
      who: root,
      env: {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: "/root",
        USER: "root",
        LANG: "C.UTF-8",
      },
      cwd: "/",
      umask: 0o022,
      descriptors: new Map([
        [0, nullDescriptor],
        [1, { sink: output }],
        [2, { sink: output }],
      ]),
      changes: silentLog,
      signal: new AbortController().signal,
    };
    const code = await host().startShell(start, { name, script: content });
    const printed = output.bytes().toString("utf8");
    append(host(), "/var/log/cloud-init-output.log", printed);
    if (code !== 0)
      throw new Error(
        `RuntimeError: ${name} exited with ${code}: ${printed.trim().split("\n").at(-1) ?? ""}`,
      );
  }

  function writeFiles(deferred: boolean): void {
    for (const item of list(config.write_files).map(fieldsOf)) {
      if ((item.defer === true) !== deferred) continue;
      const { disk, accounts } = host();
      const path = text(item.path);
      if (!path.startsWith("/"))
        throw new Error(`write_files: path ${JSON.stringify(item.path)} is not absolute`);
      const [user = "root", group] = text(item.owner ?? "root:root").split(":");
      const owner = accounts.user(user);
      if (!owner) throw new Error(`KeyError: getpwnam(): name not found: '${user}'`);
      const groupId = group === undefined ? owner.gid : accounts.group(group)?.gid;
      if (groupId === undefined) throw new Error(`KeyError: getgrnam(): name not found: '${group}'`);
      disk.ensureDirectory(path.slice(0, path.lastIndexOf("/")) || "/");
      const content = decode(text(item.content), text(item.encoding));
      const old = item.append === true ? (disk.find(path)?.content ?? new Uint8Array()) : new Uint8Array();
      disk.write(path, new Uint8Array(Buffer.concat([old, content])));
      disk.setMode(path, permissions(item.permissions));
      disk.setOwner(path, owner.uid, groupId);
    }
  }

  function makeUsers(): void {
    const { disk, accounts } = host();
    for (const group of list(config.groups)) {
      for (const [name, members] of typeof group === "object"
        ? Object.entries(fieldsOf(group))
        : [[text(group), []] as const]) {
        if (!accounts.group(name)) accounts.addGroup(name);
        for (const member of words(members)) accounts.join(member, name);
      }
    }
    const users =
      config.users === undefined
        ? ["default"]
        : typeof config.users === "string"
          ? words(config.users)
          : list(config.users);
    const keys = [...options.sshKeys, ...publicKeys(config.ssh_authorized_keys)];
    for (const user of users) {
      if (user === "default") {
        addLoginUser(disk, accounts, options.loginUser);
        authorize(disk, accounts, options.loginUser, keys);
        continue;
      }
      makeUser(typeof user === "string" ? { name: user } : fieldsOf(user));
    }
  }

  function makeUser(user: Fields): void {
    const { disk, accounts } = host();
    const name = text(user.name);
    if (!/^[a-z_][a-z0-9_-]*$/i.test(name))
      throw new Error(`users: ${JSON.stringify(user.name)} is no user name`);
    const groups = words(user.groups);
    if (!accounts.user(name)) {
      for (const group of groups) if (!accounts.group(group)) accounts.addGroup(group);
      accounts.addUser({
        name,
        groups,
        ...(user.shell ? { shell: text(user.shell) } : {}),
        ...(user.homedir ? { home: text(user.homedir) } : {}),
        system: user.system === true,
        createHome: user.no_create_home !== true && user.system !== true,
      });
    }
    accounts.setPassword(name, user.lock_passwd === false ? "$6$sandbox$x" : "!");
    const rules = list(user.sudo).filter((rule) => typeof rule === "string");
    if (rules.length > 0) {
      append(
        host(),
        "/etc/sudoers.d/90-cloud-init-users",
        `\n# User rules for ${name}\n${rules.map((rule) => `${name} ${rule}\n`).join("")}`,
      );
      disk.setMode("/etc/sudoers.d/90-cloud-init-users", 0o440);
    }
    authorize(disk, accounts, name, publicKeys(user.ssh_authorized_keys));
  }

  async function sshHostKeys(): Promise<void> {
    const { disk } = host();
    if (config.ssh_deletekeys !== false)
      for (const name of disk.list("/etc/ssh"))
        if (/^ssh_host_\w+_key(\.pub)?$/.test(name)) disk.remove(`/etc/ssh/${name}`);
    const given = fieldsOf(config.ssh_keys);
    for (const [key, value] of Object.entries(given)) {
      const match = /^(rsa|dsa|ecdsa|ed25519)_(private|public|certificate)$/.exec(key);
      if (!match) {
        doubts.push(`Unknown ssh_keys entry ${key}`);
        continue;
      }
      writeHostKey(disk, match[1] as string, match[2] as "private" | "public", text(value));
    }
    if (Object.keys(given).length > 0) return;
    // RSA keys take long to make and nobody needs them here; ask for them by ssh_genkeytypes.
    const types = config.ssh_genkeytypes === undefined ? ["ecdsa", "ed25519"] : words(config.ssh_genkeytypes);
    await generateHostKeys(disk, types, host().hostname());
  }

  const doubts = [...warnings];

  function addSources(): void {
    const { disk } = host();
    for (const [name, source] of Object.entries(fieldsOf(fieldsOf(config.apt).sources))) {
      const { source: line, key, filename } = fieldsOf(source);
      const stem = (filename === undefined ? name : text(filename)).replace(/\.list$/, "");
      const keyFile = `/etc/apt/cloud-init.gpg.d/${stem}.gpg`;
      if (key !== undefined) {
        const target = text(line).includes("$KEY_FILE") ? keyFile : `/etc/apt/trusted.gpg.d/${stem}.asc`;
        disk.ensureDirectory(target.slice(0, target.lastIndexOf("/")));
        disk.write(target, Buffer.from(text(key)));
      }
      const codename =
        /^VERSION_CODENAME=(.*)$/m.exec(Buffer.from(disk.read("/etc/os-release")).toString("utf8"))?.[1] ??
        "";
      const content = text(line)
        .replaceAll("$KEY_FILE", keyFile)
        .replaceAll("$RELEASE", codename)
        .replaceAll("$MIRROR", "http://deb.debian.org/debian");
      if (content) disk.write(`/etc/apt/sources.list.d/${stem}.list`, Buffer.from(`${content}\n`));
    }
  }

  async function installPackages(): Promise<void> {
    const wanted = list(config.packages).map((item) => (Array.isArray(item) ? text(item[0]) : text(item)));
    if (wanted.length === 0 && config.package_update !== true) return;
    const { packages } = host();
    const problem = packages.update();
    if (problem) throw new Error(`ProcessExecutionError: ${problem.trim()}`);
    const missing = wanted.filter((name) => !packages.installed.has(name) && !packages.isLocatable(name));
    if (missing.length > 0)
      throw new Error(`ProcessExecutionError: E: Unable to locate package ${missing.join(", ")}`);
    for (const name of wanted) await packages.install(name);
  }

  function status() {
    const failed = errors.length > 0;
    const degraded = doubts.length > 0;
    const running = stage !== "ended";
    const plain = running ? "running" : failed ? "error" : "done";
    const extended = running
      ? "running"
      : failed
        ? degraded
          ? "degraded error"
          : "error - done"
        : degraded
          ? "degraded done"
          : "done";
    const json: StatusJson = {
      boot_status_code: "enabled-by-generator",
      datasource: "sandbox",
      detail: running ? "Running in stage: modules-final" : failed ? (errors[0] ?? "") : "DataSourceSandbox",
      errors,
      extended_status: extended,
      last_update: new Date(host().clock.now()).toUTCString(),
      recoverable_errors: degraded ? { WARNING: doubts } : {},
      status: plain,
    };
    return { code: running ? 0 : failed ? 1 : degraded ? 2 : 0, text: plain, json };
  }

  function store(): void {
    const { disk } = host();
    disk.ensureDirectory("/run/cloud-init");
    disk.write(
      "/run/cloud-init/status.json",
      Buffer.from(
        `${JSON.stringify({ v1: { stage: stage === "ended" ? null : "modules-final", ...status().json } }, null, 1)}\n`,
      ),
    );
    if (stage !== "ended") return;
    disk.write(
      "/run/cloud-init/result.json",
      Buffer.from(`${JSON.stringify({ v1: { datasource: "sandbox", errors } }, null, 1)}\n`),
    );
    disk.ensureDirectory("/var/lib/cloud/instance");
    disk.write("/var/lib/cloud/instance/boot-finished", Buffer.from("cloud-init v. 24.1.3 finished\n"));
  }

  return {
    async init() {
      stage = "running";
      store();
      const name = text(config.hostname || config.fqdn || options.hostname).split(".")[0] ?? options.hostname;
      if (config.preserve_hostname !== true) {
        host().setHostname(name);
        host().disk.write("/etc/hostname", Buffer.from(`${name}\n`));
      }
      if (config.manage_etc_hosts) append(host(), "/etc/hosts", `127.0.1.1 ${name}\n`);
      // The order of cloud-init's own modules.
      await module("bootcmd", () => runLines("bootcmd", config.bootcmd));
      await module("write_files", () => writeFiles(false));
      await module("users_groups", makeUsers);
      await module("ssh", sshHostKeys);
      if (doubts.length > 0)
        append(host(), "/var/log/cloud-init.log", doubts.map((line) => `[WARNING]: ${line}\n`).join(""));
    },
    async final() {
      await module("apt_configure", addSources);
      await module("package_update_upgrade_install", installPackages);
      await module("write_files_deferred", () => writeFiles(true));
      await module("scripts_user", async () => {
        const items = typeof config.runcmd === "string" ? [config.runcmd] : config.runcmd;
        await runLines("runcmd", items);
        if (script !== undefined) await runText("part-001", script);
      });
      stage = "ended";
      store();
      end();
    },
    done: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const onAbort = () => reject(signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        void ended.then(() => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        });
      }),
    status,
    fail: (reason) => {
      if (stage !== "ended") errors.push(reason);
    },
  };
}

/** SSH keys hold spaces: a list, or one a line. */
function publicKeys(value: unknown): string[] {
  return (Array.isArray(value) ? value.map(String) : text(value).split("\n"))
    .map((key) => key.trim())
    .filter(Boolean);
}

function decode(content: string, encoding: string): Buffer {
  const plain = encoding.toLowerCase();
  if (["b64", "base64"].includes(plain)) return Buffer.from(content, "base64");
  if (["gz+b64", "gz+base64", "gzip+b64", "gzip+base64"].includes(plain))
    return gunzipSync(Buffer.from(content, "base64"));
  if (["gz", "gzip"].includes(plain)) return gunzipSync(Buffer.from(content, "latin1"));
  return Buffer.from(content, "utf8");
}

function permissions(value: unknown): number {
  if (typeof value === "number") return value;
  return value === undefined || value === null ? 0o644 : Number.parseInt(String(value), 8);
}

function append(host: Host, path: string, added: string): void {
  const old = Buffer.from(host.disk.find(path)?.content ?? []);
  host.disk.write(path, new Uint8Array(Buffer.concat([old, Buffer.from(added)])));
}
