import { afterEach, expect, it } from "vitest";
import { cloud, home, type Lab, openLab, stand } from "./lab.js";

let lab: Lab;
afterEach(() => lab.close());

const homeNodes = ["home-1", "home-2", "home-3"] as const;

/** A site without power: its address answers nobody, its agents say nothing. */
async function loseHome(): Promise<void> {
  lab.dead.add(home);
  for (const name of homeNodes) await lab.node(name).kill();
}

it("writes nothing while nothing changes, and little to the API server", async () => {
  lab = await openLab();
  await lab.ready();
  expect(lab.leaders()).toHaveLength(1);
  const before = lab.cluster.calls.length;
  await lab.time.pass(60_000);
  const writes = lab.cluster.calls.slice(before).filter(({ method }) => method !== "GET");
  expect(lab.dnsWrites()).toBe(0);
  expect(lab.record()).toEqual([home]);
  // The leader's lease every 1.25 s, and a sign of life of each of five agents every 10 s.
  expect(writes.length).toBeLessThan(48 + 5 * 7 + 5);
  expect(lab.cluster.calls.filter(({ status }) => status >= 300 && status !== 409)).toEqual([]);
});

it("leaves a site that is lost within 10 s, for the next in the order, and stays there", async () => {
  lab = await openLab();
  await lab.ready();
  await loseHome();
  const ms = await lab.time.until("the record to be right", () => lab.record().includes(cloud));
  expect(ms).toBeLessThan(10_000);
  expect(lab.record()).toEqual([cloud]);
  expect(lab.dnsWrites()).toBe(1);
  await lab.time.pass(1_000);
  expect(lab.events().join("\n")).toMatch(/EntrypointSwitched: \*\.apps\.example\.com: 203\.0\.113\.1 → 198/);
  lab.dead.clear();
  await lab.time.pass(120_000);
  expect(lab.switches.map(({ to }) => to)).toEqual([[cloud]]);
});

it("goes back to the preferred site once that has worked for as long as it is told, and only then", async () => {
  lab = await openLab({ options: { failbackMs: 120_000 } });
  await lab.ready();
  lab.dead.add(home);
  await lab.time.until("the record to leave home", () => lab.record().includes(cloud));
  // The first stand-by is lost as well; when it is back it is preferred to the second, but home is not there yet.
  lab.dead.add(cloud);
  await lab.time.until("the record to leave the cloud", () => lab.record().includes(stand));
  lab.dead.delete(cloud);
  await lab.time.pass(60_000);
  lab.dead.delete(home);
  await lab.time.pass(60_000);
  expect(lab.record()).toEqual([stand]);
  await lab.time.until("the record to go back to the cloud", () => lab.record().includes(cloud));
  await lab.time.pass(30_000);
  expect(lab.record()).toEqual([cloud]);
  await lab.time.until("the record to go back home", () => lab.record().includes(home));
  await lab.time.pass(1_000);
  expect(lab.events().join("\n")).toMatch(/203\.0\.113\.1 is preferred and works again for \d of \d/);
  await lab.time.pass(180_000);
  expect(lab.switches.map(({ to }) => to)).toEqual([[cloud], [stand], [cloud], [home]]);
  expect(lab.dnsWrites()).toBe(4);
});

it("knows a gateway whose address is not the one that its site's nodes go out by", async () => {
  const gateway = "203.0.113.50";
  lab = await openLab({ entries: { home: [gateway] }, record: [gateway] });
  // Nothing answers where home's nodes go out.
  lab.dead.add(home);
  await lab.ready();
  await lab.time.pass(600_000);
  expect(lab.record()).toEqual([gateway]);
  expect(lab.dnsWrites()).toBe(0);
  lab.dead.add(gateway);
  const ms = await lab.time.until("the record to leave home", () => lab.record().includes(cloud));
  expect(ms).toBeLessThan(10_000);
  expect(lab.dnsWrites()).toBe(1);
});

it("goes on when the site that is lost is the leader's", async () => {
  lab = await openLab();
  await lab.ready();
  const [leader = ""] = lab.leaders();
  const site = lab.node(leader).site;
  const lost = lab.agents.filter((node) => node.site === site);
  const address = lost[0]?.address ?? "";
  // The record is where the leader is, so that both are lost at once.
  if (address !== home) {
    lab.dead.add(home);
    await lab.time.until("the record to leave home", () => !lab.record().includes(home));
    lab.dead.delete(home);
    await lab.time.pass(100_000);
  }
  lab.dead.add(address);
  for (const node of lost) await node.kill();
  const ms = await lab.time.until("the record to be right", () => !lab.record().includes(address));
  expect(ms).toBeLessThan(10_000);
});

it("does not turn to another address of the site that is just being lost", async () => {
  const plan = [
    ["home-1", "home", home],
    ["home-2", "home", "203.0.113.2"],
    ["ramnode-1", "ramnode", cloud],
    ["ramnode-2", "ramnode", "198.51.100.9"],
    ["digitalocean-1", "digitalocean", stand],
  ] as const;
  for (let offset = 0; offset < 2_000; offset += 200) {
    await lab?.close();
    lab = await openLab({ plan });
    await lab.ready();
    await lab.time.pass(offset);
    for (const name of ["home-1", "home-2"]) {
      lab.dead.add(lab.node(name).address);
      await lab.node(name).kill();
    }
    const ms = await lab.time.until("the record to be right", () => lab.record().includes(cloud));
    expect(ms).toBeLessThan(10_000);
    expect(lab.switches.map(({ to }) => to)).toEqual([[cloud]]);
  }
});

it("does not move for what a minority sees", async () => {
  lab = await openLab();
  await lab.ready();
  lab.cut.add(`ramnode-1 ${home}`);
  lab.cut.add(`digitalocean-1 ${home}`);
  await lab.time.pass(60_000);
  expect(lab.switches).toEqual([]);
});

it("does not move for single probes that are lost", async () => {
  lab = await openLab();
  await lab.ready();
  for (let lost = 0; lost < 10; lost++) {
    lab.dead.add(home);
    await lab.time.pass(900);
    lab.dead.delete(home);
    await lab.time.pass(4_000);
  }
  expect(lab.switches).toEqual([]);
});

it("holds all addresses that work, and takes one back only after it was good for a while", async () => {
  lab = await openLab({ options: { policy: "all-healthy" } });
  await lab.ready();
  expect(lab.record()).toEqual([cloud, stand, home]);
  lab.dead.add(cloud);
  const ms = await lab.time.until("the dead one to leave", () => !lab.record().includes(cloud));
  expect(ms).toBeLessThan(10_000);
  lab.dead.delete(cloud);
  await lab.time.pass(25_000);
  expect(lab.record()).toEqual([stand, home]);
  await lab.time.until("it to return", () => lab.record().includes(cloud), 60_000);
});

it("never leaves the name without an address", async () => {
  lab = await openLab({ options: { policy: "all-healthy" } });
  await lab.ready();
  for (const address of [home, cloud, stand]) lab.dead.add(address);
  await lab.time.pass(60_000);
  expect(lab.record().length).toBeGreaterThan(0);
  expect(lab.switches.every(({ to }) => to.length > 0)).toBe(true);
});

it("hands over at once when the leader is stopped in order", async () => {
  lab = await openLab();
  await lab.ready();
  const [leader = ""] = lab.leaders();
  await lab.node(leader).stop();
  const ms = await lab.time.until("another leader", () => lab.leaders().length > 0);
  expect(ms).toBeLessThan(2_000);
  expect(lab.switches).toEqual([]);
});

it("leaves a record alone that holds an address whose agents are not there yet", async () => {
  const late = [["ramnode-1", "ramnode", cloud]] as const;
  lab = await openLab({ plan: late });
  await lab.ready();
  await lab.time.pass(60_000);
  expect(lab.record()).toEqual([home]);
  expect(lab.dnsWrites()).toBe(0);
  await lab.time.until("the record to leave what nobody claims", () => lab.record().includes(cloud), 300_000);
});

it("moves a record that somebody else changed back to what works", async () => {
  lab = await openLab();
  await lab.ready();
  lab.dead.add("192.0.2.99");
  await lab.setByHand(["192.0.2.99"]);
  await lab.time.until("the record to be right", () => lab.record().includes(home), 120_000);
});
