import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createWorld, type RunningWorld } from "../../src/world/create-world.js";
import { bootAndConnect, keyPair, operator, publicLine } from "./ssh-client.js";

let world: RunningWorld;

beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.close());

const oneTime = keyPair("somebody");
const document = `#cloud-config
hostname: renamed
ssh_deletekeys: true
ssh_keys:
  ed25519_private: |
${oneTime.private
  .trim()
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
  ed25519_public: ${publicLine(oneTime)}
users:
  - default
  - name: multicloud
    shell: /bin/bash
    lock_passwd: true
    groups: [adm, special]
    sudo: "ALL=(ALL:ALL) NOPASSWD:ALL"
    ssh_authorized_keys:
      - ${operator.public}
package_update: true
packages: [open-iscsi, nfs-common]
apt:
  sources:
    example:
      source: deb [signed-by=$KEY_FILE] https://download.example.org/debian $RELEASE main
      key: |
        -----BEGIN PGP PUBLIC KEY BLOCK-----
        x
        -----END PGP PUBLIC KEY BLOCK-----
bootcmd:
  - echo boot > /run/order
write_files:
  - path: /etc/app/plain
    permissions: "0600"
    content: "a\\nb\\n"
  - path: /etc/app/packed
    encoding: gz+b64
    content: ${gzipSync("packed").toString("base64")}
  - path: /etc/app/late
    defer: true
    owner: multicloud:special
    permissions: 0640
    content: late
runcmd:
  - set -e
  - [sh, -c, 'echo "run it" >> /run/order']
  - systemctl enable --now iscsid
  - test -e /etc/app/late
`;

it.each([
  ["plain", document],
  ["gzipped", gzipSync(document)],
])("carries out a cloud-config document: %s", async (_how, userData) => {
  const { machine, ssh } = await bootAndConnect(world, { userData }, { username: "multicloud" });
  expect(ssh.hostKey).toBe(publicLine(oneTime).split(" ")[1]);
  expect(await ssh.exec("cloud-init status --wait")).toMatchObject({ code: 0, stdout: "status: done\n" });
  expect((await ssh.exec("hostname; id -nG; sudo -n id -u")).stdout).toBe(
    "renamed\nmulticloud adm special\n0\n",
  );
  expect(
    (await ssh.exec("sudo stat -c '%a %U:%G %n' /etc/app/*; sudo cat /etc/app/packed /etc/app/plain")).stdout,
  ).toBe(
    "640 multicloud:special /etc/app/late\n644 root:root /etc/app/packed\n600 root:root /etc/app/plain\npackeda\nb\n",
  );
  expect(machine.files.read("/run/order")).toBe("boot\nrun it\n");
  expect(machine.unitState("iscsid")).toBe("active");
  expect([...machine.packages.keys()]).toEqual(expect.arrayContaining(["open-iscsi", "nfs-common"]));
  expect(machine.files.read("/etc/apt/sources.list.d/example.list")).toBe(
    "deb [signed-by=/etc/apt/cloud-init.gpg.d/example.gpg] https://download.example.org/debian bookworm main\n",
  );
  expect((await ssh.exec("ls /etc/ssh")).stdout).not.toContain("ecdsa");
  expect(JSON.parse(machine.files.read("/run/cloud-init/result.json") ?? "")).toEqual({
    v1: { datasource: "sandbox", errors: [] },
  });
  expect(JSON.parse((await ssh.exec("cloud-init status --format=json")).stdout)).toMatchObject({
    status: "done",
    errors: [],
    extended_status: "done",
  });
  expect(world.effects.all).toEqual([]);
  ssh.close();
});

it.each([
  ["an unknown top-level key", "#cloud-config\npackage: [jq]\n", 2, "degraded done"],
  [
    "an unknown key of a user",
    "#cloud-config\nusers: [default, { name: x, groop: y }]\n",
    2,
    "degraded done",
  ],
  ["no YAML", "#cloud-config\n{ a: [\n", 2, "degraded done"],
  ["something that is no cloud-config", "hello\n", 2, "degraded done"],
  ["an unknown package", "#cloud-config\npackages: [no-such-package]\n", 1, "error - done"],
  ["a command that fails", "#cloud-config\nruncmd: [set -e, 'false', 'echo no']\n", 1, "error - done"],
  [
    "an owner that does not exist yet",
    '#cloud-config\nwrite_files: [{ path: /x, owner: "nobody2:nobody2", content: y }]\n',
    1,
    "error - done",
  ],
  ["a script", "#!/bin/sh\necho hi > /etc/hi\n", 0, "done"],
  ["nothing", undefined, 0, "done"],
])("tells of %s", async (_what, userData, code, extended) => {
  const { ssh } = await bootAndConnect(world, userData === undefined ? {} : { userData });
  const status = await ssh.exec("cloud-init status --wait --format json");
  expect(status.code).toBe(code);
  expect(JSON.parse(status.stdout).extended_status).toBe(extended);
  ssh.close();
});

it("boots in virtual time: SSH first, the end of cloud-init later", async () => {
  world.close();
  world = createWorld({
    scale: 0.02,
    timing: { bootMs: 15_000, cloudInitMs: 100_000, packageMs: 4_000, roundTripMs: 25 },
  });
  const started = world.clock.now();
  const { machine, ssh } = await bootAndConnect(world, { userData: "#cloud-config\npackages: [jq]\n" });
  expect(world.clock.now() - started).toBeGreaterThanOrEqual(15_000);
  expect(machine.packages.has("jq")).toBe(false);
  expect((await ssh.exec("cloud-init status")).stdout).toBe("status: running\n");
  expect((await ssh.exec("cloud-init status --wait")).stdout).toBe("status: done\n");
  expect(world.clock.now() - started).toBeGreaterThanOrEqual(115_000);
  expect((await ssh.exec("echo '{\"a\":1}' | jq .a")).stdout).toBe("1\n");
  ssh.close();
});

it("fails on demand", async () => {
  world.machines.fault("node-1", "cloud-init-fails");
  const { ssh } = await bootAndConnect(world);
  expect(await ssh.exec("cloud-init status --wait")).toMatchObject({ code: 1, stdout: "status: error\n" });
  ssh.close();
});

it("logs in as root where a cloud's images do", async () => {
  const { ssh } = await bootAndConnect(
    world,
    { image: "ubuntu-24.04", loginUser: "root" },
    { username: "root" },
  );
  expect((await ssh.exec("id -u; . /etc/os-release; echo $VERSION_ID")).stdout).toBe("0\n24.04\n");
  ssh.close();
});
