import { afterEach, describe, expect, it } from "vitest";
import { cloud, home, type Lab, openLab, type Way } from "./lab.js";

let lab: Lab;
afterEach(() => lab.close());

const homeNodes = ["home-1", "home-2", "home-3"] as const;
const clouds = ["ramnode-1", "digitalocean-1"] as const;

async function loseHome(): Promise<void> {
  lab.dead.add(home);
  for (const name of homeNodes) await lab.node(name).kill();
}

const everyone = (what: "api" | "dns", way: Way) => {
  for (const node of lab.agents) node[what] = way;
};
const right = (limitMs = 60_000) =>
  lab.time.until("the record to be right", () => lab.record().join() === cloud, limitMs);

describe("the DNS service", () => {
  it("is down: the record stays as it is, and is right soon after the service is back", async () => {
    lab = await openLab();
    await lab.ready();
    everyone("dns", "refuse");
    await loseHome();
    await lab.time.pass(120_000);
    expect(lab.record()).toEqual([home]);
    everyone("dns", "works");
    expect(await right()).toBeLessThan(31_000);
    expect(lab.dnsWrites()).toBe(1);
    expect(lab.events().filter((event) => event.startsWith("EntrypointWriteFailed"))).toHaveLength(1);
  });

  it("swallows everything: the same", async () => {
    lab = await openLab();
    await lab.ready();
    everyone("dns", "blackhole");
    await loseHome();
    await lab.time.pass(120_000);
    expect(lab.record()).toEqual([home]);
    everyone("dns", "works");
    expect(await right()).toBeLessThan(46_000);
  });

  it("answers 429: asked again when it says so, at most eight times a minute, and right when it lets us", async () => {
    lab = await openLab();
    await lab.ready();
    everyone("dns", { status: 429 });
    await loseHome();
    await lab.time.pass(10_000);
    const before = lab.dnsCalls();
    await lab.time.pass(120_000);
    expect(lab.dnsCalls() - before).toBeLessThanOrEqual(16);
    expect(lab.record()).toEqual([home]);
    everyone("dns", "works");
    expect(await right()).toBeLessThan(31_000);
  });

  it("answers 429 and wants 20 s: not asked before they are over, though it would answer, and right then", async () => {
    lab = await openLab();
    await lab.ready();
    everyone("dns", { status: 429, retryAfterS: 20 });
    const before = lab.dnsCalls();
    await loseHome();
    await lab.time.until("the refusal", () => lab.dnsCalls() > before);
    await lab.time.pass(1_000);
    everyone("dns", "works");
    await lab.time.pass(19_000);
    // Our own pause after a first failure would be half a second.
    expect(lab.dnsCalls()).toBe(before + 1);
    expect(await right()).toBeLessThan(1_000);
    expect(lab.dnsWrites()).toBe(1);
  });

  it("is slow, 4 s a call: right as much later", async () => {
    lab = await openLab();
    await lab.ready();
    everyone("dns", { slowMs: 4_000 });
    await loseHome();
    expect(await right()).toBeLessThan(10_000 + 3 * 4_000);
    expect(lab.dnsWrites()).toBe(1);
  });

  it("takes the change but its answer is lost, and then answers with a page of HTML: read again, nothing is doubled", async () => {
    lab = await openLab();
    await lab.ready();
    lab.world.faults.add({ service: "cloudflare", method: "POST", reset: "after" });
    lab.world.faults.add({
      service: "cloudflare",
      method: "GET",
      path: /dns_records/,
      status: 502,
      body: "<html>",
    });
    await loseHome();
    expect(await right()).toBeLessThan(10_000);
    await lab.time.pass(60_000);
    expect(lab.record()).toEqual([cloud]);
    expect(lab.dns.list().map(({ type, content }) => `${type} ${content}`)).toEqual([`A ${cloud}`]);
    expect(lab.switches).toHaveLength(1);
    expect(lab.events().filter((event) => event.startsWith("EntrypointSwitched"))).toHaveLength(1);
  });

  it("does not know our token any more: the record stays, one warning; right when the Secret is exchanged, without a restart", async () => {
    lab = await openLab();
    await lab.ready();
    lab.tokens[0]!.status = "disabled";
    await loseHome();
    await lab.time.pass(120_000);
    expect(lab.record()).toEqual([home]);
    const warnings = lab.events().filter((event) => event.startsWith("EntrypointWriteFailed"));
    expect(warnings).toHaveLength(1);
    expect(warnings.join()).not.toContain(lab.secrets.token);
    lab.secrets.token = lab.secondToken;
    expect(await right()).toBeLessThan(31_000);
  });
});

describe("the API server", () => {
  it("is down: nobody writes, even when the site behind the record is lost; right soon after it is back", async () => {
    lab = await openLab();
    await lab.ready();
    everyone("api", "refuse");
    await lab.time.pass(3_600);
    expect(lab.leaders()).toEqual([]);
    await loseHome();
    await lab.time.pass(60_000);
    expect(lab.record()).toEqual([home]);
    for (const name of clouds) lab.node(name).api = "works";
    expect(await right()).toBeLessThan(12_000);
    expect(lab.dnsWrites()).toBe(1);
  });

  it("is down for a minute and nothing else happens: nothing is written", async () => {
    lab = await openLab();
    await lab.ready();
    everyone("api", "blackhole");
    await lab.time.pass(60_000);
    everyone("api", "works");
    await lab.time.pass(60_000);
    expect(lab.leaders()).toHaveLength(1);
    expect(lab.dnsWrites()).toBe(0);
  });

  it("comes back to the one agent that cannot see home first: that one waits for the others before it decides", async () => {
    lab = await openLab();
    await lab.ready();
    everyone("api", "refuse");
    await lab.time.pass(5_000);
    lab.cut.add(`ramnode-1 ${home}`);
    await lab.time.pass(20_000);
    lab.node("ramnode-1").api = "works";
    await lab.time.until("ramnode-1 to lead", () => lab.leaders().includes("ramnode-1"));
    everyone("api", "works");
    await lab.time.pass(60_000);
    expect(lab.dnsWrites()).toBe(0);
  });

  it("is out of the leader's reach: it stops writing before another may begin, and the other goes on", async () => {
    lab = await openLab();
    await lab.ready();
    const [leader = ""] = lab.leaders();
    lab.node(leader).api = "blackhole";
    lab.dead.add(home);
    await lab.time.until("the leader to stop", () => !lab.node(leader).agent.leads());
    const ms = await lab.time.until("another leader", () => lab.leaders().length > 0);
    expect(ms).toBeGreaterThan(500);
    await right(10_000);
    expect(lab.dnsWrites()).toBe(1);
  });
});

describe("clocks", () => {
  it("are wrong by an hour either way: all as if they were right", async () => {
    lab = await openLab({
      skewMs: {
        "home-1": 3_600_000,
        "home-2": -3_600_000,
        "ramnode-1": 3_600_000,
        "digitalocean-1": -3_600_000,
      },
    });
    await lab.ready();
    expect(lab.leaders()).toHaveLength(1);
    await lab.time.pass(30_000);
    expect(lab.transitions()).toBe(1);
    await loseHome();
    expect(await right()).toBeLessThan(10_000);
    expect(lab.dnsWrites()).toBe(1);
  });
});

describe("parts that cannot hear each other", () => {
  /** The leader is a cloud's when it happens. */
  async function splitWithHome(): Promise<void> {
    for (const name of homeNodes) lab.node(name).api = "refuse";
    await lab.time.until("a cloud to lead", () => clouds.some((name) => lab.leaders().includes(name)));
    for (const name of homeNodes) lab.node(name).api = "works";
    await lab.time.pass(10_000);
    expect(clouds).toContain(lab.leaders()[0]);
    for (const name of clouds) {
      lab.node(name).api = "blackhole";
      lab.cut.add(`${name} ${home}`);
      for (const node of homeNodes) lab.cut.add(`${node} ${lab.node(name).address}`);
    }
  }

  it("all but one agent are cut off from the API server: the one goes on alone", async () => {
    lab = await openLab();
    await lab.ready();
    for (const node of lab.agents) if (node.name !== "ramnode-1") node.api = "blackhole";
    await lab.time.pass(30_000);
    expect(lab.leaders()).toEqual(["ramnode-1"]);
    expect(lab.dnsWrites()).toBe(0);
    lab.dead.add(home);
    expect(await right()).toBeLessThan(10_000);
  });

  it("two halves, and the API server with the clouds: the clouds' half moves the record to itself, home writes nothing", async () => {
    lab = await openLab();
    await lab.ready();
    for (const name of homeNodes) {
      lab.node(name).api = "blackhole";
      for (const node of clouds) lab.cut.add(`${name} ${lab.node(node).address}`);
    }
    for (const name of clouds) lab.cut.add(`${name} ${home}`);
    expect(await right()).toBeLessThan(10_000);
    await lab.time.pass(60_000);
    expect(lab.dnsWrites()).toBe(1);
    expect(clouds).toContain(lab.leaders()[0]);
  });

  it("two halves, and the API server with home: the record stays at home, and the clouds write nothing", async () => {
    lab = await openLab();
    await lab.ready();
    await splitWithHome();
    await lab.time.pass(60_000);
    expect(homeNodes).toContain(lab.leaders()[0]);
    expect(lab.dnsWrites()).toBe(0);
    for (const name of homeNodes)
      for (const node of clouds) lab.cut.delete(`${name} ${lab.node(node).address}`);
    for (const name of clouds) {
      lab.cut.delete(`${name} ${home}`);
      lab.node(name).api = "works";
    }
    await lab.time.pass(60_000);
    expect(lab.dnsWrites()).toBe(0);
    expect(lab.record()).toEqual([home]);
  });

  it("the same with the record at a cloud: home moves it to itself, once", async () => {
    lab = await openLab({ record: [cloud] });
    await lab.ready();
    await splitWithHome();
    const ms = await lab.time.until("the record to be home", () => lab.record().join() === home);
    expect(ms).toBeLessThan(10_000);
    await lab.time.pass(60_000);
    expect(homeNodes).toContain(lab.leaders()[0]);
    expect(lab.dnsWrites()).toBe(1);
  });

  it("two halves that both reach the API server: the larger one's view holds", async () => {
    lab = await openLab();
    await lab.ready();
    for (const name of homeNodes) for (const node of clouds) lab.cut.add(`${name} ${lab.node(node).address}`);
    for (const name of clouds) lab.cut.add(`${name} ${home}`);
    await lab.time.pass(60_000);
    expect(lab.dnsWrites()).toBe(0);
    expect(lab.record()).toEqual([home]);
  });
});

describe("the NAT's address", () => {
  const fresh = "203.0.113.200";
  const move = () => {
    for (const name of homeNodes) lab.node(name).address = fresh;
  };

  it("changes and the old one is dead: the record goes to a stand-by within 10 s, and the new address is an entry within 70 s", async () => {
    lab = await openLab();
    await lab.ready();
    move();
    lab.dead.add(home);
    expect(await right()).toBeLessThan(10_000);
    await lab.time.pass(70_000);
    lab.dead.add(cloud);
    await lab.time.until("the record to be home again", () => lab.record().join() === fresh, 10_000);
  });

  it("changes and something else answers at the old one: the record leaves it all the same", async () => {
    lab = await openLab();
    await lab.ready();
    move();
    await lab.time.until("the record to be at the new address", () => lab.record().join() === fresh, 80_000);
    expect(lab.dnsWrites()).toBe(1);
    await lab.time.pass(60_000);
    expect(lab.dnsWrites()).toBe(1);
  });
});
