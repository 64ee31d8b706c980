import { activateHostKeys, connect, prepareHostKeys, type SshHost } from "@multicloud/ssh";
import { afterEach, beforeEach, expect, it } from "vitest";
import { applyFragment } from "../../../core/src/fragment/apply-fragment.js";
import { prepareNode } from "../../../rke/src/prepare.js";
import { createWorld, type RunningWorld } from "../../src/world/create-world.js";
import type { VirtualMachine } from "../../src/world/machines.js";
import { operator, spec } from "./ssh-client.js";

// The plugins' own scripts, unmodified.
let world: RunningWorld;
let machine: VirtualMachine;
let host: SshHost;

const open = (hostKeys: readonly string[]) =>
  connect({
    host: "203.0.113.10",
    user: "debian",
    privateKey: operator.private,
    hostKeys,
    dialer: (target, options) => world.network.dial({}, target, options?.signal),
  });

beforeEach(async () => {
  world = createWorld();
  machine = world.machines.boot(spec({ hostKeys: [operator.private] }));
  while (machine.state !== "running") await new Promise((resolve) => setImmediate(resolve));
  host = await open([operator.public]);
});
afterEach(async () => {
  await host.close();
  world.close();
});

it("rotates host keys: the old connection stays, new ones see the new keys only", async () => {
  const fresh = await prepareHostKeys(host);
  expect(fresh).toHaveLength(2);
  expect(await prepareHostKeys(host)).toEqual(fresh);
  const before = await open([operator.public]);
  await before.close();
  expect(await activateHostKeys(host)).toBe(true);
  expect(world.effects.all.filter((effect) => effect.kind === "host-key")).toHaveLength(1);
  expect((await host.exec("echo still here")).stdout).toBe("still here\n");
  await expect(open([operator.public])).rejects.toMatchObject({ code: "HOST_KEY_MISMATCH" });
  const after = await open(fresh);
  expect(fresh).toContain(after.hostKey);
  const seen = world.effects.all.length;
  expect(await activateHostKeys(after)).toBe(false);
  expect(world.effects.all.length).toBe(seen);
  expect(
    (await after.exec("ls /etc/ssh", { sudo: true })).stdout
      .split("\n")
      .filter((name) => name.includes("pending")),
  ).toEqual([]);
  await after.close();
});

it("prepares a node for RKE, once", async () => {
  world.machines.use({
    packages: [{ name: "docker.io", version: "20.10.24" }],
    programs: [{ name: "docker", package: "docker.io", run: () => ({ code: 0 }) }],
    units: [
      {
        name: "docker",
        package: "docker.io",
        start: (one) => void one.listenUnix("/run/docker.sock", "docker", (stream) => stream.destroy()),
      },
    ],
  });
  const node = { name: "n", site: "s", role: "master", labels: {}, jump: [] } as const;
  const fragment = prepareNode(node, "debian", { disableIpv6: true } as never);
  const first = await applyFragment(host, fragment);
  expect(first.changed).toEqual(
    expect.arrayContaining([
      "package docker.io",
      "package open-iscsi",
      "file /etc/docker/daemon.json",
      "user debian",
      "service iscsid",
    ]),
  );
  expect(first.warnings).toEqual([]);
  expect(machine.inGroup("debian", "docker")).toBe(true);
  expect(machine.unitState("docker")).toBe("active");
  const seen = world.effects.all.length;
  expect((await applyFragment(host, fragment)).changed).toEqual([]);
  expect(world.effects.all.length).toBe(seen);
});

it("writes files atomically over SFTP and through sudo, and counts the result only", async () => {
  const seen = world.effects.all.length;
  await host.writeFile("/home/debian/a", "one\n", { mode: "0600" });
  await host.writeFile("/etc/app.conf", "two\n", { sudo: true, mode: "0640", owner: "root:debian" });
  const names = () => world.effects.all.slice(seen).map((effect) => `${effect.action} ${effect.name}`);
  expect(names()).toEqual(["create node-1:/home/debian/a", "create node-1:/etc/app.conf"]);
  await host.writeFile("/home/debian/a", "one\n", { mode: "0600" });
  await host.writeFile("/etc/app.conf", "two\n", { sudo: true, mode: "0640", owner: "root:debian" });
  expect(names()).toHaveLength(2);
  expect((await host.exec("stat -c '%a %U:%G' a /etc/app.conf; sudo cat /etc/app.conf")).stdout).toBe(
    "600 debian:debian\n640 root:debian\ntwo\n",
  );
});
