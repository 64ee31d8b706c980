import type { Dialer, RunEvent } from "@multicloud/core";
import { socks5Dialer } from "@multicloud/ssh";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorOf, type Lab, openLab } from "./lab.js";

const shape = { home: [1, 1], ramnode: [0, 1], digitalocean: [0, 1] } as const;
const record = "*.apps.example.com";
const impatient = { intervalMs: 5, probeMs: 5_000, refreshMs: 50 };

let lab: Lab;
let probes = 0;
const answers: (readonly string[])[] = [];
const now = () => lab.resolve("hello.apps.example.com");
const addressOf = (name: string) =>
  lab.world.machines.all().find(({ spec }) => spec.hostname === name)?.spec.publicAddress ?? "";
const cluster = (changes: Parameters<Lab["cluster"]>[1] = {}) => lab.cluster(shape, { dialer, ...changes });
const dialer: Dialer = (target, options) => {
  if (target.port === 443) probes += 1;
  return socks5Dialer(lab.socks)(target, options);
};

beforeAll(async () => {
  lab = await openLab();
  await cluster().up();
  lab.services.cloudflare.onChange(() => answers.push(now()));
});
afterAll(() => lab.close());

/** Watches while `act` runs; gives the switches that were told. */
async function watching(act: (switched: () => Promise<unknown>) => Promise<void>, options = {}) {
  const stop = new AbortController();
  const watch = cluster().entrypoint.watch({ signal: stop.signal, ...impatient, ...options });
  const switches: Extract<RunEvent, { type: "entrypoint-switch" }>[] = [];
  let wake = () => {};
  let next = new Promise<void>((resolve) => (wake = resolve));
  const listening = (async () => {
    for await (const event of watch) {
      if (event.type !== "entrypoint-switch") continue;
      switches.push(event);
      wake();
      next = new Promise<void>((resolve) => (wake = resolve));
    }
  })();
  let seen = 0;
  await act(async () => {
    if (switches.length === seen) await next;
    seen = switches.length;
  });
  stop.abort();
  // An abort is how a watch ends; it is no error.
  expect(await watch).toBeUndefined();
  await listening;
  return switches;
}

/** Until some more probes were made, so that the watch had the time to do something. */
async function someProbes(): Promise<void> {
  const enough = probes + 12;
  while (probes < enough) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("the record is at the first site of the configuration that answers", () => {
  expect(now()).toEqual([lab.home.router]);
});

test("while nothing happens, nothing is written", async () => {
  const effects = lab.effects.all.length;
  expect(await watching(() => someProbes())).toEqual([]);
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("home loses its power: the record moves to a live entry, and stays there when home is back", async () => {
  const ramnode = addressOf("lab-ramnode-worker-1");
  const switches = await watching(async (switched) => {
    lab.setPower("home", false);
    await switched();
    expect(now()).toEqual([ramnode]);
    lab.setPower("home", true);
    const effects = lab.effects.all.length;
    await someProbes();
    expect(lab.effectsSince(effects)).toEqual([]);
  });
  expect(switches).toMatchObject([
    { record, from: [lab.home.router], to: [ramnode], reason: expect.stringContaining("did not answer") },
  ]);
  // Somebody who asks in between always gets an answer.
  expect(answers.filter((addresses) => addresses.length === 0)).toEqual([]);
});

test("up() does not move a record that works either", async () => {
  const effects = lab.effects.all.length;
  await cluster().up();
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("when nothing is alive the last address stays; whatever comes back first gets the record", async () => {
  const before = now();
  const droplet = addressOf("lab-digitalocean-worker-1");
  await watching(async (switched) => {
    lab.setPower("home", false);
    const mend = ["lab-ramnode-worker-1", "lab-digitalocean-worker-1"].map((name) =>
      lab.world.machines.fault(name, "unreachable"),
    );
    await someProbes();
    expect(now()).toEqual(before);
    mend[1]!();
    await switched();
    expect(now()).toEqual([droplet]);
    mend[0]!();
    lab.setPower("home", true);
  });
});

test("a record that somebody removed is made again", async () => {
  await watching(async (switched) => {
    await removeRecord();
    expect(now()).toEqual([]);
    await switched();
    expect(now()).not.toEqual([]);
  });
});

test("a site that goes takes its cloud along: that does not delay the move", async () => {
  expect(now()).toEqual([lab.home.router]);
  for (const service of ["home/keystone", "home/nova"])
    lab.world.faults.add({ service, hang: true, times: 1_000 });
  lab.setPower("home", false);
  // The cloud is given up after 15 s; whoever waits for that comes later.
  const [move] = await watching(async (switched) => void (await switched()), { probeMs: 1_000 });
  expect(move?.at).toBeLessThan(5_000);
  expect(now()).toEqual([addressOf("lab-ramnode-worker-1")]);
  lab.setPower("home", true);
  lab.world.faults.clear();
});

test("the machine behind the record is replaced: the record is moved before it goes", async () => {
  const [address] = now();
  const name = "lab-ramnode-worker-1";
  expect(address).toBe(addressOf(name));
  const pointed: boolean[] = [];
  const unlisten = lab.effects.listen((effect) => {
    if (effect.name === `Node ${name}` || (effect.name === name && effect.action === "delete"))
      pointed.push(now().includes(address!));
  });
  await cluster({ workers: { ramnode: { boot: { packages: ["vim"] } } } }).up();
  unlisten();
  expect(pointed.length).toBeGreaterThan(0);
  expect(pointed).not.toContain(true);
});

test("a cluster without an entrypoint has none to watch", async () => {
  const error = await errorOf(lab.cluster(shape, { cloudflare: undefined }).entrypoint.watch());
  expect(error).toMatchObject({ code: "CONFIG_INVALID", hint: "give the configuration an entrypoint" });
});

async function removeRecord(): Promise<void> {
  const headers = { authorization: `Bearer ${lab.env.CLOUDFLARE_API_TOKEN}` };
  const ask = async (path: string, method = "GET") => {
    const answer = await fetch(`${lab.env.CLOUDFLARE_BASE_URL}${path}`, { method, headers });
    return ((await answer.json()) as { result: { id: string }[] }).result;
  };
  const [zone] = await ask("/zones?name=example.com");
  for (const { id } of await ask(`/zones/${zone!.id}/dns_records`))
    await ask(`/zones/${zone!.id}/dns_records/${id}`, "DELETE");
}
