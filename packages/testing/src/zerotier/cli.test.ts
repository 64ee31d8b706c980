import { afterEach, beforeEach, expect, test } from "vitest";
import { createClock } from "../world/clock.js";
import { createEffects } from "../world/effects.js";
import { createFaults } from "../world/faults.js";
import type { MachineModule, VirtualMachine } from "../world/machines.js";
import { instantTiming } from "../world/timing.js";
import type { World } from "../world/world.js";
import { createZeroTier, type ZeroTierWorld } from "./zerotier.js";

const id = "8056c2e21c000001";
let zerotier: ZeroTierWorld;
let module: MachineModule;
let now: number;
let pending: (() => void)[];

beforeEach(async () => {
  now = 1_700_000_000_000;
  pending = [];
  const clock = {
    ...createClock(1),
    now: () => now,
    after(_ms: number, callback: () => void) {
      pending.push(callback);
      return () => {
        pending = pending.filter((other) => other !== callback);
      };
    },
  };
  const world = {
    clock,
    effects: createEffects(),
    faults: createFaults(),
    timing: { ...instantTiming, overlayMs: 1000 },
    machines: {
      use(used: MachineModule) {
        module = used;
      },
    },
  } as unknown as World;
  zerotier = await createZeroTier(world, {
    networks: [{ id, name: "fleet test", cidr: "10.147.17.0/24" }],
  });
});
afterEach(() => zerotier.close());

/** Lets everything that is waited for happen. */
function pass(ms = 1000): void {
  now += ms;
  const due = pending;
  pending = [];
  for (const callback of due) callback();
}

function createMachine(name = "n1") {
  const content = new Map<string, string>();
  const addresses: string[] = [];
  const machine = {
    spec: { id: name, hostname: name, image: "debian-12", sshKeys: [] },
    files: {
      read: (path: string) => content.get(path),
      write: (path: string, text: string) => void content.set(path, text),
      remove: (path: string) => void content.delete(path),
      exists: (path: string) => content.has(path),
    },
    addOverlayAddress(overlay: string, address: string, device: string) {
      const text = `${overlay} ${address} ${device}`;
      addresses.push(text);
      return () => void addresses.splice(addresses.indexOf(text), 1);
    },
    attachments: new Map(),
    onPowerOff() {},
  } as unknown as VirtualMachine;
  const unit = module.units![0]!;
  return {
    machine,
    content,
    addresses,
    start: () => unit.start!(machine),
    stop: () => unit.stop!(machine),
    cli: async (line: string, user = "root") => {
      const signal = new AbortController().signal;
      const args = line.split(" ");
      return await module.programs![0]!.run({ machine, args, stdin: "", user, signal });
    },
    json: async function json(line: string) {
      return JSON.parse((await this.cli(line)).stdout!);
    },
  };
}

async function api(path: string, body?: unknown, method = "POST") {
  await fetch(`${zerotier.url}/network/${id}/member/${path}`, {
    method,
    headers: { authorization: `token ${zerotier.token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

test("a node passes the states of a real one, with what each shows", async () => {
  const node = createMachine();
  expect(await node.cli("-j info")).toEqual({
    code: 2,
    stderr: "zerotier-cli: missing port and zerotier-one.port not found in /var/lib/zerotier-one\n",
  });
  node.start();
  expect((await node.cli("-j info")).code).toBe(2);
  pass();
  const info = await node.json("-j info");
  expect(info).toMatchObject({ online: false, version: "1.14.1" });
  expect(info.publicIdentity.startsWith(`${info.address}:0:`)).toBe(true);
  expect(await node.json("-j listnetworks")).toEqual([]);

  expect(await node.cli(`join ${id}`)).toEqual({ code: 0, stdout: "200 join OK\n" });
  const [asking] = await node.json("-j listnetworks");
  expect(Object.keys(asking)).toEqual(
    "allowDNS allowDefault allowGlobal allowManaged assignedAddresses bridge broadcastEnabled dhcp dns id mac mtu multicastSubscriptions name netconfRevision nwid portDeviceName portError routes status type".split(
      " ",
    ),
  );
  expect(asking).toMatchObject({ status: "REQUESTING_CONFIGURATION", name: "", type: "PRIVATE", mtu: 2800 });
  expect(zerotier.list()[0]!.members).toEqual([]);
  pass();
  expect((await node.cli(`get ${id} status`)).stdout).toBe("ACCESS_DENIED\n");
  expect((await node.cli("listnetworks")).stdout).toContain(`200 listnetworks ${id}  `);
  expect(zerotier.list()[0]!.members).toMatchObject([{ nodeId: info.address, authorized: false }]);

  await api(info.address, { config: { authorized: true } });
  expect((await node.cli(`get ${id} status`)).stdout).toBe("ACCESS_DENIED\n");
  pass();
  const [joined] = await node.json("-j listnetworks");
  expect(joined).toMatchObject({
    status: "OK",
    name: "fleet test",
    routes: [{ flags: 0, metric: 0, target: "10.147.17.0/24", via: null }],
  });
  const address = joined.assignedAddresses[0];
  expect(address).toMatch(/^10\.147\.17\.\d+\/24$/);
  expect(node.addresses).toEqual([`${id} ${address.split("/")[0]} ${joined.portDeviceName}`]);
  expect((await node.cli(`get ${id} ip4`)).stdout).toBe(`${address.split("/")[0]}\n`);

  await api(info.address, { config: { authorized: false } });
  pass();
  expect((await node.json("-j listnetworks"))[0]).toMatchObject({
    status: "ACCESS_DENIED",
    assignedAddresses: [address],
  });
  expect(node.addresses).toHaveLength(1);
  pass(60_000);
  expect((await node.json("-j info")).online).toBe(true);
});

test("a deleted member whose node is alive comes back unauthorised, with its address once let in", async () => {
  const node = createMachine();
  node.start();
  pass();
  await node.cli(`join ${id}`);
  pass();
  const { address } = await node.json("-j info");
  await api(address, { name: "n1", config: { authorized: true } });
  pass();
  const [before] = await node.json("-j listnetworks");
  await api(address, undefined, "DELETE");
  expect(zerotier.list()[0]!.members).toEqual([]);
  pass();
  expect(zerotier.list()[0]!.members).toMatchObject([{ nodeId: address, name: "", authorized: false }]);
  await api(address, { config: { authorized: true } });
  pass();
  expect((await node.json("-j listnetworks"))[0].assignedAddresses).toEqual(before.assignedAddresses);
});

test("identity and memberships outlive the daemon", async () => {
  const node = createMachine();
  node.content.set(`/var/lib/zerotier-one/networks.d/${id}.conf`, "");
  node.start();
  pass();
  const { address } = await node.json("-j info");
  expect(await node.json("-j listnetworks")).toHaveLength(1);
  node.stop();
  expect(await node.cli("info")).toMatchObject({ code: 1 });
  expect((await node.cli("-j info")).stdout).toContain("Error connecting to the ZeroTier service");
  node.start();
  pass();
  expect((await node.json("-j info")).address).toBe(address);
  expect(await node.json("-j listnetworks")).toHaveLength(1);
});

test("the oddities of the command line are those of the real one", async () => {
  const node = createMachine();
  node.start();
  pass();
  expect(await node.cli("join 123")).toEqual({ code: 2, stdout: "invalid network id\n" });
  expect(await node.cli(`leave ${id}`)).toEqual({ code: 0, stdout: "200 leave OK\n" });
  expect((await node.cli("info", "debian")).stderr).toContain("try again as root");
  expect(await node.cli(`get ${id} status`)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("unknown"),
  });
  expect(await node.cli(`set ${id} nonsense=1`)).toEqual({ code: 0 });
  expect(await node.json("-j listnetworks")).toEqual([]);
  expect((await node.json(`set ${id} allowGlobal=true`)).allowGlobal).toBe(true);
  expect((await node.json(`set ${id} allowGlobal=yes`)).allowGlobal).toBe(false);
  expect(await node.cli(`get ${id} nonsense`)).toEqual({ code: 0, stdout: "error, unknown property name\n" });
  expect(await node.cli(`set ${id}`)).toMatchObject({ code: 2 });
  expect(await node.cli("nonsense")).toMatchObject({ code: 2 });
});

test("an unknown network of this controller is not found; another controller never answers", async () => {
  const node = createMachine();
  node.start();
  pass();
  await node.cli("join 8056c2e21c00dead");
  await node.cli("join 1234567890000001");
  pass();
  pass();
  const states = (await node.json("-j listnetworks")).map(({ status }: { status: string }) => status);
  expect(states).toEqual(["NOT_FOUND", "REQUESTING_CONFIGURATION"]);
});

test("managed addresses switched off and on within a second stay off the interface", async () => {
  const node = createMachine();
  node.start();
  pass();
  await node.cli(`join ${id}`);
  const { address } = await node.json("-j info");
  await api(address, { config: { authorized: true } });
  pass();
  expect(node.addresses).toHaveLength(1);
  await node.cli(`set ${id} allowManaged=0`);
  await node.cli(`set ${id} allowManaged=1`);
  expect(node.addresses).toHaveLength(0);
  expect((await node.json("-j listnetworks"))[0]).toMatchObject({ status: "OK", allowManaged: true });
  await node.cli(`set ${id} allowManaged=0`);
  now += 2000;
  await node.cli(`set ${id} allowManaged=1`);
  expect(node.addresses).toHaveLength(1);
});
