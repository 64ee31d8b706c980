import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWorld, type RunningWorld } from "../../src/world/create-world.js";
import { bootAndConnect, type Connected, connect, dialWhenUp, spec } from "./ssh-client.js";

let world: RunningWorld;

beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.close());

describe("many machines", () => {
  /** Boots so many, shakes hands with all, and tells the CPU time of both ends, in microseconds for each. */
  async function greet(from: number, count: number): Promise<number> {
    const machines = Array.from({ length: count }, (_, index) => {
      const n = from + index;
      return world.machines.boot(
        spec({ id: `m${n}`, hostname: `n${n}`, publicAddress: `203.0.113.${n + 1}` }),
      );
    });
    const before = process.cpuUsage();
    const clients = await Promise.all(
      machines.map(async (machine) => connect(await dialWhenUp(world, machine))),
    );
    const outputs = await Promise.all(clients.map((client) => client.exec("hostname")));
    const { user, system } = process.cpuUsage(before);
    expect(outputs.map((output) => output.stdout.trim())).toEqual(
      machines.map((machine) => machine.spec.hostname),
    );
    for (const client of clients) client.close();
    return (user + system) / count;
  }

  it("boots a hundred and shakes hands with all, at no more CPU time for each than with ten", async () => {
    await greet(0, 10);
    const few = await greet(10, 10);
    expect(await greet(20, 100)).toBeLessThan(2 * few);
  });
});

describe("faults", () => {
  it("makes a machine unreachable, an impostor, or silent, and sets it right again", async () => {
    const { machine, ssh } = await bootAndConnect(world);
    const right = world.machines.fault("node-1", "other-host-key");
    const impostor = await connect(await dialWhenUp(world, machine)).catch((error) => error);
    expect((impostor as Connected).hostKey).not.toBe(ssh.hostKey);
    right();
    const honest = await connect(await dialWhenUp(world, machine));
    expect(honest.hostKey).toBe(ssh.hostKey);
    honest.close();
    ssh.close();
    const reachable = world.machines.fault("m1", "unreachable");
    await expect(world.network.dial({}, { host: "203.0.113.10", port: 22 })).rejects.toMatchObject({
      code: "ETIMEDOUT",
    });
    reachable();
    (await dialWhenUp(world, machine)).destroy();
  });

  it("keeps the disk over a stop and a start, and frees the address of a destroyed machine", async () => {
    const { machine, ssh } = await bootAndConnect(world);
    await ssh.exec("echo kept > ~/kept");
    world.machines.stop("m1");
    expect(machine.state).toBe("off");
    await expect(world.network.dial({}, { host: "203.0.113.10", port: 22 })).rejects.toMatchObject({
      code: "ETIMEDOUT",
    });
    world.machines.start("m1");
    const again = await connect(await dialWhenUp(world, machine));
    expect((await again.exec("cat kept")).stdout).toBe("kept\n");
    expect(again.hostKey).toBe(ssh.hostKey);
    world.machines.destroy("m1");
    await expect(world.network.dial({}, { host: "203.0.113.10", port: 22 })).rejects.toMatchObject({
      code: "EHOSTUNREACH",
    });
    expect(world.machines.get("m1")).toBeUndefined();
  });
});
