import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { SshHost } from "@multicloud/ssh";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodeFragment } from "../../core/src/contracts/fragment.js";
import { applyFragment } from "../../core/src/fragment/apply-fragment.js";
import { realHosts } from "./real-hosts.js";

// Each test has hosts of its own, so that none depends on what another did.
const { addresses, connect, privateKeyFile } = realHosts();
const unused = [...addresses];
const open: SshHost[] = [];
async function freshHost(): Promise<SshHost> {
  const address = unused.shift();
  if (!address) throw new Error("more tests than hosts: start more of them in package.json's test:hosts");
  const host = await connect(address);
  open.push(host);
  return host;
}
afterAll(() => Promise.all(open.map((host) => host.close())));

async function sh(host: SshHost, command: string): Promise<string> {
  const { code, stdout, stderr } = await host.exec(command, { sudo: true });
  if (code !== 0) throw new Error(`${command}: ${code} ${stderr}`);
  return stdout.trim();
}

let archive: NonNullable<NodeFragment["aptSources"]>[number];
beforeAll(async () => {
  const host = await freshHost();
  const key = await sh(host, "cat /srv/archive/key.asc");
  archive = { name: "archive", source: "deb file:/srv/archive ./", key };
});

const publicKey = (): string => readFileSync(`${privateKeyFile}.pub`, "utf8").trim();

/** Everything a fragment can have, under a name of its own. */
function everything(name: string): NodeFragment {
  return {
    aptSources: [archive],
    packages: ["probe-daemon"],
    directories: [
      { path: `/opt/${name}/data dir`, mode: "0750" },
      { path: `/opt/${name}`, mode: "0711", owner: `${name}:${name}` },
    ],
    files: [
      { path: "/etc/probe-daemon.conf", content: "setting=1\n" },
      { path: `/opt/${name}/secret's`, content: `top secret of ${name}\n`, mode: "0600" },
      {
        path: `/opt/${name}/owned`,
        content: new Uint8Array([0, 1, 254, 255, 10]),
        mode: "0640",
        owner: "probe:probe",
      },
      { path: `/etc/systemd/system/${name}.service`, content: "[Service]\nExecStart=/bin/true\n" },
    ],
    users: [{ name, groups: [`${name}-group`, "adm"], sudo: true, authorizedKeys: [publicKey()] }],
    sysctl: { "net.ipv4.ip_forward": "1", "net.ipv4.ip_local_port_range": "20000 50000" },
    services: [{ name, restartOn: [`/etc/systemd/system/${name}.service`] }],
    commands: [
      { name: "mark", run: `echo once >>/opt/${name}/mark`, unless: `[ -e /opt/${name}/mark ]` },
      {
        name: "second",
        run: `cp /opt/${name}/mark /opt/${name}/copy`,
        unless: `cmp -s /opt/${name}/mark /opt/${name}/copy`,
      },
    ],
  };
}

/** What {@link everything} must have led to, as the host sees it. */
async function seen(host: SshHost, name: string): Promise<string[]> {
  const lines = await sh(
    host,
    `stat -c '%a %U:%G %n' '/opt/${name}/data dir' /opt/${name} '/opt/${name}/'*[!r] /etc/sudoers.d/90-multicloud-${name} /home/${name}/.ssh/authorized_keys;
     cat '/opt/${name}/secret'*; sha256sum /opt/${name}/owned; cat /opt/${name}/mark; id -Gn ${name}; cat /home/${name}/.ssh/authorized_keys | wc -l;
     cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_local_port_range /var/lib/probe-daemon.log; systemctl is-active ${name}; systemctl is-enabled ${name};
     sudo -u ${name} sudo -n id -un; find / -xdev -name '*.mc-new'; find /run/multicloud -type f 2>/dev/null; dpkg --audit`,
  );
  return lines.split("\n");
}

function expected(name: string): string[] {
  return [
    `750 root:root /opt/${name}/data dir`,
    `711 ${name}:${name} /opt/${name}`,
    `644 root:root /opt/${name}/copy`,
    `644 root:root /opt/${name}/mark`,
    `640 probe:probe /opt/${name}/owned`,
    `600 root:root /opt/${name}/secret's`,
    `440 root:root /etc/sudoers.d/90-multicloud-${name}`,
    `600 ${name}:${name} /home/${name}/.ssh/authorized_keys`,
    `top secret of ${name}`,
    `${owned}  /opt/${name}/owned`,
    "once",
    `${name} adm ${name}-group`,
    "1",
    "1",
    "20000\t50000",
    "settings were there",
    "active",
    "enabled",
    "root",
  ];
}
/** The apply scripts that run on the hosts: this process is outside their pid namespaces and sees them all. */
function lockHolders(): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/9`).endsWith("/multicloud.lock");
    } catch {
      return false;
    }
  });
}

/** As numbered here, where `kill` takes it. */
function processGroup(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")[2]);
}

/** Kills a process, or with a negative id a group, that may have ended by itself. */
function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** As if {@link everything} had never been applied. */
async function reset(host: SshHost, name: string): Promise<void> {
  await sh(
    host,
    `userdel -rf ${name}; groupdel ${name}-group; groupdel ${name}; dpkg --purge --force-all probe-daemon; userdel probe; groupdel probe
     rm -rf /opt/${name} /etc/probe-daemon.conf /etc/systemd/system/${name}.service /etc/sysctl.d/90-multicloud.conf /etc/apt/*/archive.*
     rm -rf /etc/sudoers.d/90-multicloud-${name} /var/lib/fake-systemd /run/multicloud
     echo 0 >/proc/sys/net/ipv4/ip_forward; echo 32768 60999 >/proc/sys/net/ipv4/ip_local_port_range`,
  );
}

// sha256 of the bytes 00 01 fe ff 0a
const owned = "7e37d01a45184d4ea03a2f07781f2772cb2964fac699163db085198c375f07de";

describe("applyFragment on a real host", () => {
  it("makes everything true, says what it changed, and finds nothing to do afterwards", async () => {
    const host = await freshHost();
    const first = await applyFragment(host, everything("alice"), { read: ["/etc/hostname"] });
    expect(first.changed).toEqual([
      "directory /opt/alice/data dir",
      "file /etc/apt/keyrings/archive.asc",
      "file /etc/apt/sources.list.d/archive.list",
      "file /etc/probe-daemon.conf",
      "file /etc/sysctl.d/90-multicloud.conf",
      "file /etc/systemd/system/alice.service",
      "file /opt/alice/secret's",
      "package probe-daemon",
      "file /etc/sudoers.d/90-multicloud-alice",
      "group alice-group",
      "user alice",
      "authorized keys of alice",
      "directory /opt/alice",
      "file /opt/alice/owned",
      "sysctl net.ipv4.ip_forward",
      "sysctl net.ipv4.ip_local_port_range",
      "service alice",
      "command mark",
      "command second",
    ]);
    expect(first.facts).toMatchObject({
      os: "debian",
      osVersion: "12",
      architecture: expect.stringMatching(/x86_64|aarch64/),
    });
    expect(first.facts.memoryMiB).toBeGreaterThan(100);
    expect(first.facts.cpus).toBeGreaterThan(0);
    expect(first.files.has("/etc/hostname")).toBe(true);
    expect(first.warnings).toEqual([]);
    expect(await seen(host, "alice")).toEqual(expected("alice"));
    const calls = (): Promise<string> => sh(host, "grep -v ^is- /var/log/systemctl.log");
    const before = await calls();
    expect(before).toBe("daemon-reload\nenable alice\nrestart alice");

    const second = await applyFragment(host, everything("alice"));
    expect(second.changed).toEqual([]);
    expect(second.checked).toBe(first.checked);
    expect(await calls()).toBe(before);
  });

  it("writes nothing at all when nothing is to change", async () => {
    const host = await freshHost();
    await applyFragment(host, everything("idle"));
    // A lock file is the one thing that is touched, on a memory file system.
    const changes =
      "find / -xdev -newer /tmp/start ! -path '/var/log/*' ! -path '/proc/*' ! -path /tmp ! -type d";
    await sh(host, "sleep 0.02; : >/tmp/start; sleep 0.02");
    await applyFragment(host, everything("idle"));
    expect(await sh(host, changes)).toBe("");
  });

  it("repairs content, mode and owner, a lost group and a stopped service", async () => {
    const host = await freshHost();
    await applyFragment(host, everything("bob"));
    await sh(
      host,
      `chmod 666 "/opt/bob/secret's"; chown root:root /opt/bob/owned; echo x >>/etc/probe-daemon.conf; chmod 777 "/opt/bob/data dir"
       gpasswd -d bob bob-group >/dev/null; systemctl stop bob; echo 0 >/proc/sys/net/ipv4/ip_forward; : >/home/bob/.ssh/authorized_keys`,
    );
    const { changed } = await applyFragment(host, everything("bob"));
    expect(changed).toEqual([
      "directory /opt/bob/data dir",
      "file /etc/probe-daemon.conf",
      "file /opt/bob/secret's",
      "user bob",
      "authorized keys of bob",
      "file /opt/bob/owned",
      "sysctl net.ipv4.ip_forward",
      "service bob",
    ]);
    expect(await seen(host, "bob")).toEqual(expected("bob"));
  });

  it("restarts a service when one of its files changed, and only then", async () => {
    const host = await freshHost();
    const fragment = (content: string): NodeFragment => ({
      files: [
        { path: "/etc/app.conf", content },
        { path: "/etc/other.conf", content: `${content}!` },
      ],
      services: [{ name: "app", restartOn: ["/etc/app.conf"] }, { name: "other" }],
    });
    await applyFragment(host, fragment("1"));
    await sh(host, ": >/var/log/systemctl.log");
    const { changed } = await applyFragment(host, fragment("2"));
    expect(changed).toEqual(["file /etc/app.conf", "file /etc/other.conf", "service app"]);
    expect(await sh(host, "grep -v ^is- /var/log/systemctl.log")).toBe("restart app");
  });

  it("restarts it also when the run that changed the file was killed before", async () => {
    const host = await freshHost();
    const others = Array.from({ length: 20 }, (_, n) => `other-${n}`);
    const fragment = (content: string): NodeFragment => ({
      files: [{ path: "/etc/app.conf", content }],
      services: [{ name: "app", restartOn: ["/etc/app.conf"] }],
      // Gives the kill time to come before the services' turn.
      directories: [{ path: "/opt/app", owner: "app:app" }],
      users: [{ name: "app" }, ...others.map((name) => ({ name }))],
    });
    await applyFragment(host, fragment("1"));
    await sh(
      host,
      `rm -r /opt/app; for user in app ${others.join(" ")}; do userdel -r $user 2>/dev/null; done; : >/var/log/systemctl.log`,
    );
    let scripts: number[] = [];
    const attempt = applyFragment(host, fragment("2"), {
      onProgress: (_, event) => {
        if (event.type === "facts") scripts = lockHolders();
        if (event.type === "changed") for (const pid of scripts.splice(0)) end(pid);
      },
    });
    await expect(attempt).rejects.toMatchObject({ code: "REMOTE_COMMAND_FAILED" });
    expect(await sh(host, "cat /etc/app.conf; cat /var/log/systemctl.log")).toBe("2");
    await applyFragment(host, fragment("2"));
    expect(await sh(host, "grep -v ^is- /var/log/systemctl.log")).toBe("restart app");
    expect((await applyFragment(host, fragment("2"))).changed).toEqual([]);
  });

  it("refuses a broken sudoers file and leaves sudo working", async () => {
    const host = await freshHost();
    const path = "/etc/sudoers.d/broken";
    const fragment: NodeFragment = {
      files: [{ path, content: "debian ALL=(ALL NOPASSWD: ALL\n", mode: "0440" }],
    };
    await expect(applyFragment(host, fragment, { node: "n1" })).rejects.toMatchObject({
      code: "REMOTE_COMMAND_FAILED",
      node: "n1",
      message: expect.stringMatching(
        /^Preparing n1 stopped: file \/etc\/sudoers\.d\/broken failed with code 1: .*syntax error/,
      ),
    });
    expect(await sh(host, "ls /etc/sudoers.d")).toBe("10-login-user\nREADME");
  });

  it("says which package does not exist, in apt's words", async () => {
    const host = await freshHost();
    const failing = applyFragment(host, { packages: ["no-such-package"] });
    await expect(failing).rejects.toThrow(
      /packages no-such-package failed with code 100: .*Unable to locate package no-such-package/,
    );
  });

  it("warns about a kernel setting that this node does not let it make", async () => {
    const host = await freshHost();
    // Everything but net.* is read-only in a container.
    const { warnings, changed } = await applyFragment(host, {
      sysctl: { "vm.swappiness": "7", "net.no.such": "1" },
    });
    expect(warnings.map((line) => line.split(" could")[0])).toEqual([
      "the kernel setting net.no.such",
      "the kernel setting vm.swappiness",
    ]);
    expect(changed).toEqual(["file /etc/sysctl.d/90-multicloud.conf"]);
  });

  it("waits for another run on the same node instead of mixing with it", async () => {
    const host = await freshHost();
    const fragment = (content: string): NodeFragment => ({
      files: [{ path: "/etc/contested", content }],
      commands: [{ name: "see", run: `sleep 2; [ "$(cat /etc/contested)" = ${content} ]` }],
    });
    const messages: string[] = [];
    await Promise.all([
      applyFragment(host, fragment("one"), { onProgress: (message) => messages.push(message) }),
      applyFragment(host, fragment("two"), { onProgress: (message) => messages.push(message) }),
    ]);
    expect(messages).toContain("waiting for another run on this node");
  });

  it("converges after a SIGKILL at every step", async () => {
    const host = await freshHost();
    let steps = 0;
    await applyFragment(await freshHost(), everything("carol"), { onProgress: () => steps++ });
    let killed = 0;
    for (let step = 0; step < steps; step++) {
      await reset(host, "carol");
      let count = 0;
      let scripts: number[] = [];
      const attempt = applyFragment(host, everything("carol"), {
        onProgress: (_, event) => {
          if (event.type === "facts") scripts = lockHolders();
          if (count++ === step) for (const pid of scripts) end(pid);
        },
      });
      await attempt.catch(() => killed++);
      await applyFragment(host, everything("carol"));
      expect(await seen(host, "carol")).toEqual(expected("carol"));
      expect((await applyFragment(host, everything("carol"))).changed).toEqual([]);
    }
    console.log(`${killed} of ${steps} steps cut off; the others were over first`);
    expect(killed).toBeGreaterThan(steps / 2);
  });

  it("converges after apt was killed with all that runs", async () => {
    const host = await freshHost();
    for (const delayMs of [0, 10, 30, 60, 90, 120, 150, 200, 250]) {
      await reset(host, "dave");
      let group: number | undefined;
      const attempt = applyFragment(host, everything("dave"), {
        onProgress: (_, event) => {
          if (event.type === "facts") group = processGroup(lockHolders()[0]!);
          if (event.type === "start" && event.what.startsWith("packages") && group) {
            setTimeout(end, delayMs, -group);
          }
        },
      });
      await attempt.catch(() => {});
      await applyFragment(host, everything("dave"));
      expect(await seen(host, "dave")).toEqual(expected("dave"));
    }
  });

  it("repairs a package database that an interrupted dpkg left behind", async () => {
    const host = await freshHost();
    await sh(host, "dpkg -s base-files >/var/lib/dpkg/updates/0000");
    const { changed } = await applyFragment(host, everything("erin"));
    expect(changed).toContain("package probe-daemon");
    expect(await seen(host, "erin")).toEqual(expected("erin"));
  });

  it("prepares many hosts at once", async () => {
    const reports = await Promise.all(
      addresses.map(async (address) => {
        const host = await connect(address);
        open.push(host);
        return applyFragment(host, { files: [{ path: "/etc/together", content: "x\n" }] });
      }),
    );
    expect(reports.map(({ changed }) => changed)).toEqual(addresses.map(() => ["file /etc/together"]));
  });
});
