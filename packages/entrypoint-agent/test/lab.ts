import type { CallContext, SentAnswer } from "@multicloud/core/plugin";
import { cloudflare } from "../../dns-cloudflare/src/cloudflare.js";
import { openRecord } from "../../dns-cloudflare/src/in-cluster.js";
import { type CloudflareDnsOptions, createCloudflare } from "../../testing/src/cloudflare/cloudflare-dns.js";
import { fakeWorld } from "../../testing/test/fake-world.js";
import { agentSettings } from "../src/addon/addon.js";
import { entrypointAgentManifest } from "../src/addon/manifest.js";
import type { EntrypointAgentOptions } from "../src/addon/options.js";
import { observationAnnotation, parseObservation } from "../src/agent/observation.js";
import { type Agent, startAgent } from "../src/agent/run-agent.js";
import { createSender } from "../src/agent/send-request.js";
import type { AgentSettings } from "../src/agent/settings.js";
import { directApi } from "./direct-api.js";
import { virtualTime } from "./virtual-time.js";

/** How a way behaves: `blackhole` swallows, `refuse` answers that there is nothing. */
export type Way =
  | "works"
  | "blackhole"
  | "refuse"
  | { readonly slowMs: number }
  | { readonly status: number; readonly retryAfterS?: number };

/** One node with its agent. */
export interface LabNode {
  readonly name: string;
  readonly site: string;
  /** Address that the internet sees, or one of each family with a comma; several nodes behind one NAT share it. */
  address: string;
  readonly agent: Agent;
  readonly log: string[];
  /** The way to the API server, to the DNS service, and to the outside sources. */
  api: Way;
  dns: Way;
  outside: Way;
  /** Kills the process: nothing is handed over. */
  kill(): Promise<void>;
  /** Stops it in order. */
  stop(): Promise<void>;
}

/** Nodes as `[name, site, address]`. */
export type LabPlan = readonly (readonly [name: string, site: string, address: string])[];

export const home = "203.0.113.1";
export const cloud = "198.51.100.1";
export const stand = "198.51.100.2";

/** Three nodes behind home's NAT and one in each of two clouds: the reference set-up. */
const referencePlan: LabPlan = [
  ["home-1", "home", home],
  ["home-2", "home", home],
  ["home-3", "home", home],
  ["ramnode-1", "ramnode", cloud],
  ["digitalocean-1", "digitalocean", stand],
];

/**
 * Agents in virtual time before the emulated API server and the emulated Cloudflare. Whatever a test does, two
 * never lead at once and the name is never without an address.
 */
export async function openLab(
  given: {
    readonly plan?: LabPlan;
    readonly options?: Partial<EntrypointAgentOptions>;
    /** Addresses of gateways and routers, by site. */
    readonly entries?: Readonly<Record<string, readonly string[]>>;
    readonly dns?: CloudflareDnsOptions;
    /** Addresses of the record before the agents start. Default home's. */
    readonly record?: readonly string[];
    /** By how much the clocks of nodes are wrong. */
    readonly skewMs?: Readonly<Record<string, number>>;
    /** What the nodes' own objects say of their addresses. */
    readonly objects?: Readonly<
      Record<string, { readonly annotation?: string; readonly externalIp?: string }>
    >;
  } = {},
) {
  const plan = given.plan ?? referencePlan;
  const time = virtualTime();
  const world = fakeWorld();
  const token = "lab-token-of-thirty-two-characters";
  const secondToken = "lab-token-that-replaces-the-first";
  const tokens = [{ value: token, status: "active" as "active" | "disabled" }, { value: secondToken }];
  const dns = await createCloudflare(world, { rateLimit: false, tokens, ...given.dns });
  const entrypoint = cloudflare({ zone: "example.com", record: "*.apps", token, baseURL: dns.url });
  const serviceAccount = "system:serviceaccount:multicloud-entrypoint:entrypoint-agent";
  const cluster = directApi(world, serviceAccount);
  for (const [name, site] of plan) {
    const labels = { "topology.kubernetes.io/region": site };
    const { annotation, externalIp } = given.objects?.[name] ?? {};
    const annotations =
      annotation === undefined ? {} : { "multicloud.entrypoint/public-address": annotation };
    const addresses = externalIp === undefined ? [] : [{ type: "ExternalIP", address: externalIp }];
    cluster.seed({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels, annotations },
      status: { addresses: [{ type: "InternalIP", address: "10.0.0.1" }, ...addresses] },
    });
  }
  const nodes = [...new Set(plan.map(([, site]) => site))].map((site) => ({ site }));
  const settings = agentSettings("lab", nodes, { ...given.options, entrypoint }, given.entries);
  const manifest = entrypointAgentManifest({
    settings,
    program: "",
    dnsProgram: "",
    secrets: { token },
    image: "node",
  });
  for (const object of manifest) cluster.seed(structuredClone(object) as never);

  /** What answers at each address, and who cannot get there. */
  const dead = new Set<string>();
  const cut = new Set<string>();
  const reaches = (node: string, address: string) => !dead.has(address) && !cut.has(`${node} ${address}`);
  const secrets = { token };
  let random = 1;
  const agents: LabNode[] = [];

  const loss = { chance: 0 };
  const draw = () => {
    random = (random * 16_807) % 2_147_483_647;
    return random / 2_147_483_647;
  };
  /** What lost packets of an exchange cost: TCP sends again after a time that doubles (RFC 6298). */
  const resends = (packets: number, firstMs: number) => {
    let ms = 0;
    for (let packet = 0; packet < packets; packet++)
      for (let wait = firstMs; loss.chance > 0 && draw() < loss.chance; wait *= 2) ms += wait;
    return ms;
  };

  /** Lets a call take the way that it has at this moment. */
  async function travel<T>(
    way: Way,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
    refused: (status: number, retryAfterS?: number) => T,
  ): Promise<T> {
    const clock = time.clock();
    signal?.throwIfAborted();
    if (way === "blackhole")
      return clock.sleep(3_600_000, signal).then(() => Promise.reject(new Error("late")));
    await clock.sleep(5 + resends(4, 200), signal);
    if (way === "refuse") throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    if (typeof way === "object" && "slowMs" in way) await clock.sleep(way.slowMs, signal);
    if (typeof way === "object" && "status" in way) return refused(way.status, way.retryAfterS);
    const result = await time.still(work);
    await clock.sleep(15, signal);
    return result;
  }

  const send = createSender();
  let dnsCalls = 0;
  const probes: { readonly node: string; readonly address: string; readonly at: number }[] = [];

  function start(name: string, address: string, skewMs = 0, more: Partial<AgentSettings> = {}): LabNode {
    const stop = new AbortController();
    const log: string[] = [];
    const site = plan.find(([known]) => known === name)?.[1] ?? name;
    let killed = false;
    const clock = time.clock(skewMs);
    const agent = startAgent(
      { ...settings, ...more },
      name,
      {
        clock,
        kubernetes: {
          call: (method, path, body, signal) =>
            travel(
              killed ? "blackhole" : node.api,
              signal,
              () => cluster.call(method, path, body, stop.signal),
              (status) => ({ status, body: { message: "injected fault" } }),
            ),
        },
        dns: openRecord({
          cluster: "lab",
          settings: settings.dns,
          secret: async (key) => secrets[key as "token"],
          report: () => {},
          send: (request) => {
            dnsCalls += 1;
            return travel<SentAnswer>(
              killed ? "blackhole" : node.dns,
              request.signal,
              () => send({ ...request, signal: AbortSignal.timeout(20_000) }),
              (status, retryAfterS = 4) => ({
                status,
                headers: { "retry-after": String(retryAfterS) },
                body: JSON.stringify({ success: false, errors: [{ code: 971, message: "injected" }] }),
              }),
            );
          },
        }),
        async probe(target, signal) {
          probes.push({ node: name, address: target, at: clock.now() });
          if (reaches(name, target)) {
            // SYN, and the answer to it.
            await clock.sleep(20 + resends(2, 1_000), signal);
            return true;
          }
          await clock.sleep(3_600_000, signal);
          return false;
        },
        findAddresses: (signal) =>
          travel<readonly string[]>(
            node.outside,
            signal,
            async () => node.address.split(","),
            () => [],
          ),
        random: draw,
        log: (level, message) => log.push(`${level}: ${message}`),
      },
      stop.signal,
    );
    const node: LabNode = {
      name,
      site,
      address,
      agent,
      log,
      api: "works",
      dns: "works",
      outside: "works",
      async kill() {
        killed = true;
        stop.abort(new Error("killed"));
      },
      async stop() {
        stop.abort(new Error("stopped"));
        let done = false;
        void agent.ended().then(() => (done = true));
        await time.until(`${name} to stop`, () => done);
      },
    };
    agents.push(node);
    return node;
  }

  const record = given.record ?? [home];
  const context: CallContext = {
    cluster: "lab",
    signal: new AbortController().signal,
    dialer: () => Promise.reject(new Error("nothing is dialled here")),
    report: () => {},
  };
  const setByHand = (addresses: readonly string[]) => entrypoint.set(context, addresses);
  if (record.length > 0) await setByHand(record);
  const writes = () => dns.calls.filter(({ method }) => method !== "GET").length;
  const writesBefore = writes();
  const switches: { at: number; to: readonly string[] }[] = [];
  dns.onChange(() => switches.push({ at: time.now(), to: resolveRecord() }));
  const resolveRecord = () => dns.resolve("hello.apps.example.com");
  for (const [name, , address] of plan) start(name, address, given.skewMs?.[name] ?? 0);

  const leaders = () => agents.filter(({ agent }) => agent.leads()).map(({ name }) => name);
  time.onStep(() => {
    if (leaders().length > 1) throw new Error(`two lead at once: ${leaders().join(", ")}`);
    if (record.length > 0 && resolveRecord().length === 0) throw new Error("the name has no address");
  });

  return {
    time,
    world,
    cluster,
    dns,
    settings,
    agents,
    dead,
    cut,
    /** Chance of each packet to be lost. */
    loss,
    secrets,
    tokens,
    secondToken,
    switches,
    /** When which agent began to ask which address. */
    probes,
    start,
    setByHand,
    record: resolveRecord,
    node(name: string): LabNode {
      const found = agents.findLast((each) => each.name === name);
      if (!found) throw new Error(`no node ${name}`);
      return found;
    },
    leaders,
    /** Calls that changed a DNS record. */
    dnsWrites: () => writes() - writesBefore,
    /** Calls to the DNS service by the agents, whatever became of them. */
    dnsCalls: () => dnsCalls,
    /** How often the lease changed hands. */
    transitions() {
      const lease = cluster.objects("Lease").find(({ metadata }) => metadata.name === settings.name);
      return (lease?.spec as { readonly leaseTransitions?: number } | undefined)?.leaseTransitions;
    },
    /** What the agent of a node tells the others. */
    observationOf(name: string) {
      const lease = cluster
        .objects("Lease")
        .find(({ metadata }) => metadata.name === `${settings.name}.${name}`);
      return parseObservation(lease?.metadata.annotations?.[observationAnnotation]);
    },
    events: () => cluster.objects("Event").map((event) => `${event.reason}: ${event.message}`),
    /** Until there is a leader and all agents know each other. */
    async ready() {
      await time.until("a leader", () => agents.some(({ agent }) => agent.leads()));
      await time.pass(5_000);
    },
    async close() {
      for (const node of agents) await node.kill();
      let ended = false;
      void Promise.all(agents.map(({ agent }) => agent.ended())).then(() => (ended = true));
      await time.until("all agents to end", () => ended, 7_200_000);
      await dns.close();
    },
  };
}

export type Lab = Awaited<ReturnType<typeof openLab>>;
