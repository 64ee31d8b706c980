import { writeFile } from "node:fs/promises";
import { openstack } from "@multicloud/provider-openstack";
import { socks5Dialer } from "@multicloud/ssh";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { errorOf, type Lab, openLab } from "./lab.js";

const shape = { home: [1, 1], ramnode: [0, 1], digitalocean: [0, 1] } as const;
const host = "hello.apps.example.com";
const quick = { intervalMs: 5, watch: { intervalMs: 5, probeMs: 5_000 }, timeoutMs: 60_000 };
/** A machine that is busy takes longer than Vitest's second. */
const patient = { timeout: 30_000 };

let lab: Lab;
const cluster = () => lab.cluster(shape, { dialer: socks5Dialer(lab.socks) });
const statuses = () =>
  lab.services.openstacks.flatMap((cloud) => cloud.list().servers).map(({ status }) => status);
const resolve = async (name: string) => lab.resolve(name);
const addressOf = (name: string) =>
  lab.world.machines.all().find(({ spec }) => spec.hostname === name)?.spec.publicAddress ?? "";

beforeAll(async () => {
  lab = await openLab();
  await cluster().up();
});
afterAll(() => lab.close());

test("a cut that the caller brings: the record moves, a client gets its answer again, the site comes back", async () => {
  let dark = false;
  const result = await cluster().drill({
    lose: "home",
    host,
    resolve,
    ...quick,
    async cut(site) {
      expect(site).toBe("home");
      lab.setPower("home", false);
      dark = true;
      return async () => {
        lab.setPower("home", true);
        dark = false;
      };
    },
  });
  expect(dark).toBe(false);
  expect(result.before).toEqual([lab.home.router]);
  expect(result.after).toEqual([addressOf("lab-ramnode-worker-1")]);
  expect(result.recordSeconds).toBeGreaterThan(0);
  // Not more than the record's: the client may have asked right before the drill looked.
  expect(result.clientSeconds).toBeGreaterThan(0);
  const told = result.timeline.map(({ what }) => what);
  expect(told).toContain("home is lost");
  expect(told.indexOf("the client gets no answer")).toBeLessThan(
    told.indexOf("the client has its answer again"),
  );
  expect(told).toContain(`the record → ${addressOf("lab-ramnode-worker-1")}`);
  expect(told.at(-1)).toBe("home has its power back");
});

test("the site's own cloud cuts the power, and gives it back", async () => {
  const ramnode = addressOf("lab-ramnode-worker-1");
  const result = await cluster().drill({ lose: "ramnode", confirm: "lab", host, resolve, ...quick });
  expect(result.before).toEqual([ramnode]);
  expect(result.after).not.toContain(ramnode);
  expect(result.clientSeconds).toBeGreaterThan(0);
  expect(statuses()).toEqual(["ACTIVE", "ACTIVE", "ACTIVE"]);
});

test("droplets that lost their power boot again and are part of the cluster", async () => {
  const result = await cluster().drill({ lose: "digitalocean", confirm: "lab", host, resolve, ...quick });
  expect(result.after).not.toContain(addressOf("lab-digitalocean-worker-1"));
  expect(lab.services.digitalocean.list().droplets.map(({ status }) => status)).toEqual(["active"]);
  await vi.waitFor(async () => {
    const { nodes } = await cluster().status();
    expect(nodes.every(({ ready }) => ready)).toBe(true);
  }, patient);
});

test("up() gives a site its power back that a killed drill took", async () => {
  const provider = openstack({ cloud: "ramnode", cloudsFile: lab.env.OS_CLIENT_CONFIG_FILE! });
  const context = {
    cluster: "lab",
    site: "ramnode",
    signal: AbortSignal.timeout(10_000),
    dialer: socks5Dialer(lab.socks),
    report: () => {},
  };
  await provider.power?.(context, await provider.list(context), false);
  expect(statuses()).toContain("PAUSED");
  await writeFile(lab.state("lab", "drill"), JSON.stringify({ site: "ramnode" }));
  const { plan } = await cluster().up();
  expect(plan.unchanged).toBe(true);
  expect(statuses()).toEqual(["ACTIVE", "ACTIVE", "ACTIVE"]);
});

test("nobody keeps the record: the drill says so, and the site comes back", async () => {
  const current = lab.resolve(host)[0];
  const site = current === lab.home.router ? "home" : "ramnode";
  let back = 0;
  const error = await errorOf(
    cluster().drill({
      lose: site,
      host,
      resolve,
      intervalMs: 5,
      watch: false,
      timeoutMs: 300,
      cut: async () => async () => {
        back += 1;
      },
    }),
  );
  expect(error).toMatchObject({ code: "TIMEOUT", site, hint: expect.stringContaining("keep the record") });
  expect(back).toBe(1);
});

test("a wrong site, no confirmation and a name that answers nothing are told before anything is cut", async () => {
  const before = lab.effects.all.length;
  expect(await errorOf(cluster().drill({ lose: "hom" }))).toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringMatching(/lose.*home/s),
  });
  expect(await errorOf(cluster().drill({ lose: "home", confirm: "other" }))).toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringMatching(/confirm.*lab/s),
  });
  const cut = async () => {
    throw new Error("must not be cut");
  };
  expect(
    await errorOf(cluster().drill({ lose: "home", host, resolve: async () => ["203.0.113.254"], cut })),
  ).toMatchObject({ code: "ENTRYPOINT_FAILED", message: expect.stringContaining("even before the drill") });
  expect(lab.effectsSince(before)).toEqual([]);
});
