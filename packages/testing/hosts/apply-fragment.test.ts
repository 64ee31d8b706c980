import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodeFragment } from "../../core/src/contracts/fragment.js";
import { applyFragment } from "../../core/src/fragment/apply-fragment.js";
import { type ApplyLab, expected, openApplyLab, seen, sh } from "./apply-lab.js";

let lab: ApplyLab;
beforeAll(async () => {
  lab = await openApplyLab("start");
});
afterAll(() => lab.close());

describe("applyFragment on a real host", () => {
  it("makes everything true, says what it changed, and finds nothing to do afterwards", async () => {
    const host = await lab.freshHost();
    const first = await applyFragment(host, lab.everything("alice"), { read: ["/etc/hostname"] });
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

    const second = await applyFragment(host, lab.everything("alice"));
    expect(second.changed).toEqual([]);
    expect(second.checked).toBe(first.checked);
    expect(await calls()).toBe(before);
  });

  it("writes nothing at all when nothing is to change", async () => {
    const host = await lab.freshHost();
    await applyFragment(host, lab.everything("idle"));
    // A lock file is the one thing that is touched, on a memory file system.
    const changes =
      "find / -xdev -newer /tmp/start ! -path '/var/log/*' ! -path '/proc/*' ! -path /tmp ! -type d";
    await sh(host, "sleep 0.02; : >/tmp/start; sleep 0.02");
    await applyFragment(host, lab.everything("idle"));
    expect(await sh(host, changes)).toBe("");
  });

  it("repairs content, mode and owner, a lost group and a stopped service", async () => {
    const host = await lab.freshHost();
    await applyFragment(host, lab.everything("bob"));
    await sh(
      host,
      `chmod 666 "/opt/bob/secret's"; chown root:root /opt/bob/owned; echo x >>/etc/probe-daemon.conf; chmod 777 "/opt/bob/data dir"
       gpasswd -d bob bob-group >/dev/null; systemctl stop bob; echo 0 >/proc/sys/net/ipv4/ip_forward; : >/home/bob/.ssh/authorized_keys`,
    );
    const { changed } = await applyFragment(host, lab.everything("bob"));
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
    const host = await lab.freshHost();
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

  it("refuses a broken sudoers file and leaves sudo working", async () => {
    const host = await lab.freshHost();
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
    const host = await lab.freshHost();
    const failing = applyFragment(host, { packages: ["no-such-package"] });
    await expect(failing).rejects.toThrow(
      /packages no-such-package failed with code 100: .*Unable to locate package no-such-package/,
    );
  });

  it("warns about a kernel setting that this node does not let it make", async () => {
    const host = await lab.freshHost();
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

  it("prepares many hosts at once", async () => {
    const hosts = await lab.allHosts();
    const reports = await Promise.all(
      hosts.map((host) => applyFragment(host, { files: [{ path: "/etc/together", content: "x\n" }] })),
    );
    expect(reports.map(({ changed }) => changed)).toEqual(hosts.map(() => ["file /etc/together"]));
  });
});
