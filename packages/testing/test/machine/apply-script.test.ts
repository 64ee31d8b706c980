import { connect, type SshHost } from "@multicloud/ssh";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NodeFragment } from "../../../core/src/contracts/fragment.js";
import { applyFragment } from "../../../core/src/fragment/apply-fragment.js";
import { createWorld, type RunningWorld } from "../../src/world/create-world.js";
import { operator, spec } from "./ssh-client.js";

// What `npm run test:hosts` sees on real Debian hosts, on an emulated one.
const fragment: NodeFragment = {
  packages: ["open-iscsi"],
  directories: [
    { path: "/opt/app/data dir", mode: "0750" },
    { path: "/opt/app", mode: "0711", owner: "app:app" },
  ],
  files: [
    { path: "/opt/app/secret's", content: "top secret\n", mode: "0600" },
    {
      path: "/opt/app/owned",
      content: new Uint8Array([0, 1, 126, 127, 10]),
      mode: "0640",
      owner: "app:app-group",
    },
    { path: "/etc/iscsi/extra.conf", content: "setting=1\n" },
  ],
  users: [
    { name: "app", groups: ["app-group", "adm"], sudo: true, authorizedKeys: ["ssh-ed25519 AAAA app"] },
  ],
  sysctl: { "net.ipv4.ip_forward": "1" },
  services: [{ name: "iscsid", restartOn: ["/etc/iscsi/extra.conf"] }],
  commands: [{ name: "mark", run: "echo once >>/opt/app/mark", unless: "[ -e /opt/app/mark ]" }],
};

let world: RunningWorld;
let host: SshHost;
beforeEach(async () => {
  world = createWorld();
  const { private: privateKey } = operator;
  const machine = world.machines.boot(spec({ hostKeys: [operator.private] }));
  host = await connect({
    host: machine.spec.publicAddress!,
    user: "debian",
    privateKey,
    hostKeys: [operator.public],
    dialer: (target, options) => world.network.dial({}, target, options?.signal),
  });
});
afterEach(async () => {
  await host.close();
  world.close();
});

const sh = async (command: string): Promise<string> => {
  const { code, stdout, stderr } = await host.exec(command, { sudo: true });
  if (code !== 0) throw new Error(`${command}: ${code} ${stderr}`);
  return stdout.trim();
};

describe("the apply script on an emulated machine", () => {
  it("makes everything true, then finds nothing to do and writes nothing", async () => {
    const first = await applyFragment(host, fragment, { read: ["/opt/app/owned"] });
    expect(first.changed).toEqual([
      "directory /opt/app/data dir",
      "file /etc/iscsi/extra.conf",
      "file /etc/sysctl.d/90-multicloud.conf",
      "file /opt/app/secret's",
      "package open-iscsi",
      // Whoever may come in may also put things right.
      "file /etc/sudoers.d/90-multicloud-app",
      "group app-group",
      "user app",
      "authorized keys of app",
      "directory /opt/app",
      "file /opt/app/owned",
      "sysctl net.ipv4.ip_forward",
      "service iscsid",
      "command mark",
    ]);
    expect(first.warnings).toEqual([]);
    expect(first.facts).toMatchObject({ os: "debian", osVersion: "12" });
    expect([...(first.files.get("/opt/app/owned") ?? [])]).toEqual([0, 1, 126, 127, 10]);
    const look = await sh(
      `stat -c '%a %U:%G %n' "/opt/app/data dir" /opt/app "/opt/app/secret's" /opt/app/owned /etc/sudoers.d/90-multicloud-app /home/app/.ssh /home/app/.ssh/authorized_keys
       cat "/opt/app/secret's" /opt/app/mark; id -Gn app; systemctl is-active iscsid; systemctl is-enabled iscsid`,
    );
    expect(look.split("\n")).toEqual([
      "750 root:root /opt/app/data dir",
      "711 app:app /opt/app",
      "600 root:root /opt/app/secret's",
      "640 app:app-group /opt/app/owned",
      "440 root:root /etc/sudoers.d/90-multicloud-app",
      "700 app:app /home/app/.ssh",
      "600 app:app /home/app/.ssh/authorized_keys",
      "top secret",
      "once",
      "app adm app-group",
      "active",
      "enabled",
    ]);

    const effects = world.effects.all.length;
    const second = await applyFragment(host, fragment);
    expect(second).toMatchObject({ changed: [], warnings: [], checked: first.checked });
    expect(world.effects.all.slice(effects)).toEqual([]);
  });

  it("repairs what somebody changed", async () => {
    await applyFragment(host, fragment);
    await sh(
      `chmod 666 "/opt/app/secret's"; chown root:root /opt/app/owned; chmod 777 "/opt/app/data dir"; systemctl stop iscsid; sysctl -q -w net.ipv4.ip_forward=0`,
    );
    expect((await applyFragment(host, fragment)).changed).toEqual([
      "directory /opt/app/data dir",
      "file /opt/app/secret's",
      "file /opt/app/owned",
      "sysctl net.ipv4.ip_forward",
      "service iscsid",
    ]);
  });

  it("refuses a broken sudoers file and an unknown package", async () => {
    const path = "/etc/sudoers.d/broken";
    await expect(
      applyFragment(host, { files: [{ path, content: "debian ALL NOPASSWD\n" }] }),
    ).rejects.toThrow(/file \/etc\/sudoers\.d\/broken failed with code 1/);
    expect(await sh("ls /etc/sudoers.d")).not.toContain("broken");
    await expect(applyFragment(host, { packages: ["no-such-package"] })).rejects.toThrow(
      /Unable to locate package no-such-package/,
    );
  });
});
