import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWorld, type RunningWorld } from "../../src/world/create-world.js";
import { bootAndConnect, exec, turns } from "./ssh-client.js";

let world: RunningWorld;

beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.close());

const effects = () =>
  world.effects.all.map(({ kind, action, name }) => `${kind} ${action} ${name.replace(/^node-1:/, "")}`);

describe("effects", () => {
  it("counts each change once, at the moment it happens, and none for a repeat", async () => {
    const { ssh } = await bootAndConnect(world);
    const script = `set -e
t=$(mktemp); printf 'a=1\\n' > $t
cmp -s $t /etc/app.conf || install -m 600 $t /etc/app.conf
rm -f $t
id app >/dev/null 2>&1 || useradd -m app
dpkg -s nfs-common >/dev/null 2>&1 || { apt-get update -q >/dev/null; apt-get install -y nfs-common >/dev/null; }
[ "$(sysctl -n vm.max_map_count)" = 262144 ] || sysctl -q -w vm.max_map_count=262144
printf 'x' > /etc/same
systemctl enable --now iscsid 2>/dev/null || true
`;
    expect(await ssh.exec("sudo sh -s", script)).toMatchObject({ code: 0, stderr: "" });
    expect(effects()).toEqual([
      "file create /etc/app.conf",
      "user create app",
      "package create nfs-common",
      "sysctl update vm.max_map_count",
      "file create /etc/same",
    ]);
    const seen = world.effects.all.length;
    expect(await ssh.exec("sudo sh -s", script)).toMatchObject({ code: 0 });
    expect(world.effects.all.slice(seen)).toEqual([]);
    ssh.close();
  });

  it("lets a listener kill the caller between two changes", async () => {
    const { machine, ssh } = await bootAndConnect(world);
    world.effects.listen(({ name }) => {
      if (name.endsWith("/etc/one")) ssh.client.destroy();
      return turns();
    });
    await exec(ssh.client, "sudo sh -c 'echo 1 > /etc/one; echo 2 > /etc/two'").catch(() => {});
    await turns();
    expect([machine.files.exists("/etc/one"), machine.files.exists("/etc/two")]).toEqual([true, false]);
  });
});
