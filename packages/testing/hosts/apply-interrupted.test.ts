import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { SshHost } from "@multicloud/ssh";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodeFragment } from "../../core/src/contracts/fragment.js";
import { applyFragment } from "../../core/src/fragment/apply-fragment.js";
import { type ApplyLab, expected, openApplyLab, seen, sh } from "./apply-lab.js";

let lab: ApplyLab;
beforeAll(async () => {
  lab = await openApplyLab("end");
});
afterAll(() => lab.close());

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

/** As if `everything()` had never been applied. */
async function reset(host: SshHost, name: string): Promise<void> {
  await sh(
    host,
    `userdel -rf ${name}; groupdel ${name}-group; groupdel ${name}; dpkg --purge --force-all probe-daemon; userdel probe; groupdel probe
     rm -rf /opt/${name} /etc/probe-daemon.conf /etc/systemd/system/${name}.service /etc/sysctl.d/90-multicloud.conf /etc/apt/*/archive.*
     rm -rf /etc/sudoers.d/90-multicloud-${name} /var/lib/fake-systemd /run/multicloud
     echo 0 >/proc/sys/net/ipv4/ip_forward; echo 32768 60999 >/proc/sys/net/ipv4/ip_local_port_range`,
  );
}

describe("applyFragment on a real host, interrupted", () => {
  it("restarts it also when the run that changed the file was killed before", async () => {
    const host = await lab.freshHost();
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

  it("waits for another run on the same node instead of mixing with it", async () => {
    const host = await lab.freshHost();
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
    const host = await lab.freshHost();
    let steps = 0;
    await applyFragment(await lab.freshHost(), lab.everything("carol"), { onProgress: () => steps++ });
    let killed = 0;
    for (let step = 0; step < steps; step++) {
      await reset(host, "carol");
      let count = 0;
      let scripts: number[] = [];
      const attempt = applyFragment(host, lab.everything("carol"), {
        onProgress: (_, event) => {
          if (event.type === "facts") scripts = lockHolders();
          if (count++ === step) for (const pid of scripts) end(pid);
        },
      });
      await attempt.catch(() => killed++);
      await applyFragment(host, lab.everything("carol"));
      expect(await seen(host, "carol")).toEqual(expected("carol"));
      expect((await applyFragment(host, lab.everything("carol"))).changed).toEqual([]);
    }
    console.log(`${killed} of ${steps} steps cut off; the others were over first`);
    expect(killed).toBeGreaterThan(steps / 2);
  });

  it("converges after apt was killed with all that runs", async () => {
    const host = await lab.freshHost();
    for (const delayMs of [0, 10, 30, 60, 90, 120, 150, 200, 250]) {
      await reset(host, "dave");
      let group: number | undefined;
      const attempt = applyFragment(host, lab.everything("dave"), {
        onProgress: (_, event) => {
          if (event.type === "facts") group = processGroup(lockHolders()[0]!);
          if (event.type === "start" && event.what.startsWith("packages") && group) {
            setTimeout(end, delayMs, -group);
          }
        },
      });
      await attempt.catch(() => {});
      await applyFragment(host, lab.everything("dave"));
      expect(await seen(host, "dave")).toEqual(expected("dave"));
    }
  });

  it("repairs a package database that an interrupted dpkg left behind", async () => {
    const host = await lab.freshHost();
    await sh(host, "dpkg -s base-files >/var/lib/dpkg/updates/0000");
    const { changed } = await applyFragment(host, lab.everything("erin"));
    expect(changed).toContain("package probe-daemon");
    expect(await seen(host, "erin")).toEqual(expected("erin"));
  });
});
