import { setMaxListeners } from "node:events";
import type { OpenedRecord } from "@multicloud/core/plugin";
import { createBoard, type KnownAgent } from "./board.js";
import { type AgentClock, within } from "./clock.js";
import { createElection } from "./election.js";
import { tell } from "./events.js";
import type { KubernetesCalls } from "./kubernetes-api.js";
import { openLeases } from "./leases.js";
import { measureAgent } from "./measure-agent.js";
import { createMetrics, type Metrics } from "./metrics.js";
import { type Observation, observationAnnotation, parseAddresses, recordAnnotation } from "./observation.js";
import { type OwnNode, readOwnNode } from "./own-node.js";
import { createProber, type Probe } from "./prober.js";
import { createRecordKeeper } from "./record-keeper.js";
import { type AgentSettings, type AgentTiming, defaultTiming } from "./settings.js";
import { situationOf } from "./situation.js";

/** What an agent touches the world with; tests give others. */
export interface AgentParts {
  readonly clock: AgentClock;
  readonly kubernetes: KubernetesCalls;
  readonly dns: OpenedRecord;
  readonly probe: Probe;
  /** The node's public addresses as outside sources see them; empty when they do not agree. */
  findAddresses(signal: AbortSignal): Promise<readonly string[]>;
  /** 0 to 1. */
  random(): number;
  log(level: "info" | "warn", message: string): void;
}

/** A running agent. */
export interface Agent {
  readonly metrics: Metrics;
  leads(): boolean;
  /** False when its own loops stand still; a service that does not answer is no reason. */
  healthy(): boolean;
  /** Resolves once the signal has aborted, the lease is handed over and nothing goes on any more. */
  ended(): Promise<void>;
}

const tickMs = 100;
const shortestWriteGapMs = 250;

/**
 * One agent: finds its node's public address, probes all entry addresses, tells the others by the annotation
 * of a Lease of its own, and keeps the record while it leads.
 *
 * Why a Lease for each agent: it is what Kubernetes itself uses for signs of life, it is small, each agent
 * writes only its own (so nobody waits for anybody), and one list shows everything to everybody.
 */
export function startAgent(
  settings: AgentSettings,
  nodeName: string,
  parts: AgentParts,
  signal: AbortSignal,
): Agent {
  const { clock, kubernetes, log } = parts;
  const timing: AgentTiming = { ...defaultTiming, ...settings.timing };
  // A dozen loops and what they wait for; more would be a leak.
  setMaxListeners(100, signal);
  const metrics = createMetrics();
  const agentPrefix = `${settings.name}.`;
  const leases = openLeases(kubernetes, settings);
  const board = createBoard(timing, agentPrefix, nodeName);

  let node: OwnNode | undefined;
  let own: readonly string[] = [];
  const left = new Set<string>();
  let others: readonly KnownAgent[] = [];
  let alertSince: number | undefined;
  let ownVersion: string | undefined;
  let told = "";
  let triedAt = Number.NEGATIVE_INFINITY;
  let beatAt = clock.now();
  let lookForAddressAt = Number.NEGATIVE_INFINITY;
  const background = new Set<Promise<unknown>>();
  const complaints = new Map<string, string>();

  /** Says what fails when it begins to fail or fails otherwise, not every second. */
  function complain(what: string, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    if (complaints.get(what) !== text) log("warn", `${what}: ${text}`);
    complaints.set(what, text);
  }

  const siteOf = () => node?.site ?? nodeName;
  const ownSites = () => [
    { site: siteOf(), addresses: own },
    ...others.map(({ observation }) => observation),
    ...Object.entries(settings.addresses).map(([site, addresses]) => ({ site, addresses })),
    ...Object.entries(settings.entries ?? {}).map(([site, addresses]) => ({ site, addresses })),
  ];

  const prober = createProber({
    clock,
    timing,
    signal,
    probe: parts.probe,
    isOwn: (address) =>
      ownSites().some(({ site, addresses }) => site === siteOf() && addresses.includes(address)),
    random: parts.random,
    onChange: () => {},
  });
  const keeper = createRecordKeeper({
    clock,
    timing,
    settings,
    dns: parts.dns,
    random: parts.random,
    mayWrite: () => election.confirm(signal),
    failingSince: (address) => prober.health(address)?.failingSince,
    onSwitch(change) {
      const { from, to, reason, tookMs } = change;
      const message = `${settings.record}: ${from.join(", ") || "nothing"} → ${to.join(", ")}: ${reason}`;
      log("info", message);
      metrics.add("entrypoint_switches_total", {});
      if (tookMs !== undefined) metrics.set("entrypoint_switch_seconds", [[{}, tookMs / 1_000]]);
      announce({ type: "Normal", reason: "EntrypointSwitched", message });
    },
    onFailure(error, first) {
      metrics.add("entrypoint_dns_failures_total", { code: error.code });
      const message = `${settings.record} cannot be kept: ${error.message}`;
      if (!first) return;
      log("warn", message);
      announce({ type: "Warning", reason: "EntrypointWriteFailed", message });
    },
  });
  const election = createElection({
    clock,
    leases,
    board,
    timing,
    leaseName: settings.name,
    self: nodeName,
    record: () => keeper.addresses,
    random: parts.random,
    onError: (error) => complain("the leader's lease", error),
  });

  function announce(event: Parameters<typeof tell>[1]): void {
    const telling = tell(
      { ...parts, ...settings, self: nodeName, timeoutMs: timing.callTimeoutMs },
      event,
      signal,
    ).catch((error) => complain("an event", error));
    background.add(telling);
    void telling.finally(() => background.delete(telling));
  }

  const observation = (): Observation => ({
    site: siteOf(),
    addresses: own,
    left: [...left],
    sees: prober.sees(),
    suspects: prober.suspects(),
  });

  /** Reads all leases, follows all addresses they name, and sees whether anybody raises the alarm. */
  async function look(): Promise<void> {
    const list = await within(clock, timing.callTimeoutMs, signal, (bounded) => leases.list(bounded));
    const { lookingSince } = board;
    board.look(list, clock.now());
    // Whoever was cut off too cannot know that this agent still lives.
    if (board.lookingSince !== lookingSince) told = "";
    update();
    const leader = board.lease(settings.name)?.lease;
    const record = election.leads()
      ? keeper.addresses
      : parseAddresses(leader?.annotations[recordAnnotation]);
    prober.follow([...ownSites().flatMap(({ addresses }) => addresses), ...record]);
  }

  function update(): void {
    const now = clock.now();
    others = board.agents(now, alertSince);
    const alarm = prober.suspects() || others.some(({ alarms }) => alarms);
    alertSince = alarm ? (alertSince ?? now) : undefined;
    others = board.agents(now, alertSince);
  }

  /** Tells the others what is new, or that this agent lives. */
  async function speak(): Promise<void> {
    if (!node || board.lookingSince === undefined) return;
    const now = clock.now();
    const text = JSON.stringify(observation());
    const pause = alertSince === undefined ? timing.calmMs : timing.alertMs;
    if (now - triedAt < (told === "" ? timing.alertMs : shortestWriteGapMs)) return;
    if (text === told && now - triedAt < pause) return;
    const name = `${agentPrefix}${nodeName}`;
    const known = ownVersion ?? board.lease(name)?.lease.version;
    const { uid } = node;
    triedAt = now;
    const written = await within(clock, timing.callTimeoutMs, signal, (bounded) =>
      leases.write(
        name,
        {
          holder: nodeName,
          durationSeconds: Math.max(1, Math.ceil((timing.calmMs + 3 * timing.lookMs) / 1_000)),
          transitions: 0,
          annotations: { [observationAnnotation]: text },
          date: clock.date(),
          owner: { apiVersion: "v1", kind: "Node", name: nodeName, uid },
        },
        known,
        bounded,
      ),
    ).catch((error) => {
      ownVersion = undefined;
      told = "";
      throw error;
    });
    ownVersion = written?.version;
    if (written) told = text;
    // What stands there was not known yet: a look tells.
    else await look();
  }

  async function findOwnAddresses(): Promise<void> {
    if (clock.now() < lookForAddressAt) return;
    lookForAddressAt = clock.now() + (node ? timing.addressMs * (0.9 + 0.2 * parts.random()) : timing.lookMs);
    node = await within(clock, timing.callTimeoutMs, signal, (bounded) =>
      readOwnNode(kubernetes, nodeName, bounded),
    );
    const given = settings.addresses[node.site] ?? node.addresses;
    const found = given.length > 0 ? given : await parts.findAddresses(signal);
    // Sources that do not agree, or cannot be reached, are no proof that the address is lost.
    const family = (address: string) => (address.includes(":") ? 6 : 4);
    const kept = own.filter((address) => !found.some((each) => family(each) === family(address)));
    const next = given.length > 0 ? given : [...kept, ...found].sort();
    for (const address of own) if (!next.includes(address)) left.add(address);
    for (const address of next) left.delete(address);
    if (next.join() !== own.join())
      log("info", `public addresses of ${nodeName}: ${next.join(", ") || "none"}`);
    own = next;
    if (own.length === 0) lookForAddressAt = Math.min(lookForAddressAt, clock.now() + 5 * timing.lookMs);
  }

  const situation = () =>
    situationOf({
      self: { name: nodeName, observation: observation() },
      others,
      sites: ownSites(),
      settings,
      doubts: prober.doubts,
    });

  let led: AbortSignal | undefined;
  async function keep(): Promise<void> {
    const { term } = election;
    if (term !== led) {
      keeper.forget();
      log("info", term ? "this agent leads now" : "this agent does not lead any more");
      led = term;
    }
    if (!term || !board.settled(clock.now())) return;
    update();
    await keeper.keep(situation(), term);
  }

  const measure = () =>
    measureAgent(metrics, {
      leads: election.leads(),
      voices: others.filter((agent) => agent.heard).length + 1,
      prober,
      record: keeper.addresses,
      sites: ownSites(),
    });

  /** Repeats until the signal aborts; what one round rejects with is said, and the next comes all the same. */
  async function repeat(what: string, pauseMs: number, round: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await round();
        if (complaints.delete(what)) log("info", `${what}: works again`);
      } catch (error) {
        if (!signal.aborted) complain(what, error);
      }
      await clock.sleep(pauseMs, signal).catch(() => {});
    }
  }

  const ending = Promise.all([
    repeat("looking at the leases", timing.lookMs, look),
    repeat("telling the other agents", tickMs, speak),
    repeat("finding the node's address", tickMs, findOwnAddresses),
    repeat("keeping the record", tickMs, keep),
    repeat("measuring", 1_000, async () => {
      beatAt = clock.now();
      measure();
    }),
    election.run(signal),
  ]).then(async () => {
    await prober.ended();
    await Promise.allSettled(background);
  });

  return {
    metrics,
    leads: () => election.leads(),
    healthy: () => clock.now() - beatAt < 15_000,
    ended: () => ending,
  };
}
