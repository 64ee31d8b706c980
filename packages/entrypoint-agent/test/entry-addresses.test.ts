import { afterEach, describe, expect, it } from "vitest";
import { cloud, home, type Lab, type LabPlan, openLab, stand } from "./lab.js";

let lab: Lab;
afterEach(() => lab.close());

const homeNodes = ["home-1", "home-2", "home-3"] as const;

describe("home's own address cannot be reached from inside (hairpin NAT)", () => {
  const cutInside = () => {
    for (const name of homeNodes) lab.cut.add(`${name} ${home}`);
  };

  it("does not move though most agents are home's, nor when all of them start anew", async () => {
    lab = await openLab();
    cutInside();
    await lab.ready();
    await lab.time.pass(30_000);
    for (const name of homeNodes) {
      await lab.node(name).kill();
      lab.start(name, home);
    }
    await lab.time.pass(60_000);
    for (const name of homeNodes)
      expect(lab.observationOf(name)?.sees).toEqual({ [cloud]: "up", [stand]: "up" });
    expect(lab.dnsWrites()).toBe(0);
    expect(lab.record()).toEqual([home]);
  });

  it("moves when the clouds see it dead, though home's agents live and have no opinion", async () => {
    lab = await openLab();
    cutInside();
    await lab.ready();
    lab.dead.add(home);
    const ms = await lab.time.until("the record to be right", () => lab.record().join() === cloud);
    expect(ms).toBeLessThan(10_000);
    await lab.time.pass(1_000);
    expect(lab.events().join()).toContain(`${home} is dead for 2 of 5`);
    await lab.time.pass(30_000);
    expect(lab.dnsWrites()).toBe(1);
  });

  it("does not move when one of the two clouds cannot see it either", async () => {
    lab = await openLab();
    cutInside();
    await lab.ready();
    lab.cut.add(`digitalocean-1 ${home}`);
    await lab.time.pass(60_000);
    expect(lab.dnsWrites()).toBe(0);
  });
});

describe("an IPv4 and an IPv6 address a site", () => {
  const of = { home: "2001:db8:1::1", cloud: "2001:db8:2::1", stand: "2001:db8:3::1" } as const;
  const plan: LabPlan = [
    ["home-1", "home", `${home},${of.home}`],
    ["home-2", "home", `${home},${of.home}`],
    ["ramnode-1", "ramnode", `${cloud},${of.cloud}`],
    ["digitalocean-1", "digitalocean", `${stand},${of.stand}`],
  ];
  const loseHome = async () => {
    lab.dead.add(home).add(of.home);
    for (const name of ["home-1", "home-2"]) await lab.node(name).kill();
  };
  const isRight = (...addresses: readonly string[]) =>
    lab.time.until("the record to be right", () => lab.record().join() === [...addresses].sort().join());

  it("are both in the record, one of each family, and both move when the site is lost, with one write", async () => {
    // Wherever in the interval of the probes the loss falls.
    for (let offset = 0; offset < 2_000; offset += 400) {
      await lab?.close();
      lab = await openLab({ plan, record: [home, of.home] });
      await lab.ready();
      expect(lab.dnsWrites()).toBe(0);
      await lab.time.pass(offset);
      await loseHome();
      expect(await isRight(cloud, of.cloud)).toBeLessThan(10_000);
      await lab.time.pass(20_000);
      expect(lab.switches.map(({ to }) => to)).toEqual([[cloud, of.cloud].sort()]);
      expect(lab.dnsWrites()).toBe(1);
    }
  });

  it("move one without the other when only one is dead", async () => {
    lab = await openLab({ plan, record: [home, of.home] });
    await lab.ready();
    lab.dead.add(of.home);
    expect(await isRight(home, of.cloud)).toBeLessThan(10_000);
    await lab.time.pass(20_000);
    expect(lab.dnsWrites()).toBe(1);
  });

  it("are all in an all-healthy record, which both leave when the site is lost, with one write", async () => {
    lab = await openLab({ plan, record: [home, of.home], options: { policy: "all-healthy" } });
    await lab.ready();
    await isRight(home, of.home, cloud, of.cloud, stand, of.stand);
    const before = lab.dnsWrites();
    await loseHome();
    expect(await isRight(cloud, of.cloud, stand, of.stand)).toBeLessThan(10_000);
    await lab.time.pass(20_000);
    expect(lab.dnsWrites() - before).toBe(1);
  });
});

describe("an address that dies for 10 s and lives for 40 s, again and again", () => {
  const plan: LabPlan = [
    ["home-1", "home", home],
    ["ramnode-1", "ramnode", cloud],
  ];

  /*
   * It leaves with its first death. It has to be good for 30 s then, so it may return once, and leaves with its second
   * death. From then on it has to be good for 60 s, which it never is: at most three writes, however long it goes on.
   * That the name always has an address the lab itself sees to.
   */
  it.each([
    ["active", 4, { policy: "active" }, [[cloud]]],
    ["active, going back", 4, { policy: "active", failbackMs: 2_000 }, [[cloud], [home], [cloud]]],
    ["all-healthy, for half an hour", 36, { policy: "all-healthy" }, [[cloud], [cloud, home], [cloud]]],
  ] as const)("%s: is written three times at most", async (_, cycles, options, switches) => {
    lab = await openLab({ plan, options });
    await lab.ready();
    const before = lab.switches.length;
    for (let cycle = 0; cycle < cycles; cycle++) {
      lab.dead.add(home);
      await lab.time.pass(10_000);
      lab.dead.delete(home);
      await lab.time.pass(40_000);
    }
    expect(lab.switches.slice(before).map(({ to }) => to)).toEqual(switches);
  });
});
