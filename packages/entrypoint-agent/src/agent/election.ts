import type { Board } from "./board.js";
import { type AgentClock, within } from "./clock.js";
import type { Leases } from "./leases.js";
import { recordAnnotation } from "./observation.js";
import type { AgentTiming } from "./settings.js";

/** One of the agents is the leader, at most. */
export interface Election {
  /** Whether this agent may write now. */
  leads(): boolean;
  /** Aborts when this agent stops leading; `undefined` while it does not. */
  readonly term: AbortSignal | undefined;
  /** Who leads, as far as is known; empty when nobody does. */
  readonly leader: string;
  readonly transitions: number;
  /**
   * Renews the lease now. False when this agent does not lead any more: its machine may have stood still for longer
   * than it can know, for clocks of virtual machines that are paused stand still too.
   */
  confirm(signal: AbortSignal): Promise<boolean>;
  /** Runs until the signal aborts; then hands the lease over at once. */
  run(signal: AbortSignal): Promise<void>;
}

/** What an election needs. */
export interface ElectionParts {
  readonly clock: AgentClock;
  readonly leases: Leases;
  readonly board: Board;
  readonly timing: AgentTiming;
  readonly leaseName: string;
  readonly self: string;
  /** Addresses to be written beside the lease. */
  record(): readonly string[];
  /** 0 to 1. */
  random(): number;
  onError(error: unknown): void;
}

const tickMs = 250;

/**
 * Leader election over one Lease. A follower takes it when it saw no change of it for `leaseMs` by its own
 * clock; the leader stops `renewDeadlineMs` after it *sent* its last renewal that went through, which is
 * sooner. So two never lead at once, whatever their clocks show, as long as they run equally fast to within
 * the difference of the two times.
 */
export function createElection(parts: ElectionParts): Election {
  const { clock, leases, board, timing, leaseName, self } = parts;
  let leadsUntil = Number.NEGATIVE_INFINITY;
  let version: string | undefined;
  let transitions = 0;
  let term: AbortController | undefined;
  let renewAt = 0;
  const patience = () => timing.leaseMs + parts.random() * tickMs;
  let wait = patience();

  const leads = () => clock.now() < leadsUntil;

  function stopLeading(reason: string): void {
    leadsUntil = Number.NEGATIVE_INFINITY;
    term?.abort(new DOMException(reason, "AbortError"));
    term = undefined;
  }

  /** Writes the lease as ours. `undefined` when somebody else was faster. */
  async function write(known: string | undefined, holder: string, count: number, signal: AbortSignal) {
    const content = {
      holder,
      durationSeconds: Math.max(1, Math.ceil(timing.leaseMs / 1_000)),
      transitions: count,
      annotations: { [recordAnnotation]: JSON.stringify(parts.record()) },
      date: clock.date(),
    };
    return within(clock, timing.callTimeoutMs, signal, (bounded) =>
      leases.write(leaseName, content, known, bounded),
    );
  }

  async function tick(signal: AbortSignal): Promise<void> {
    const seen = board.lease(leaseName);
    if (term && !leads()) stopLeading("the lease could not be renewed in time");
    if (term) {
      if (clock.now() < renewAt) return;
    } else {
      // What was seen before a gap says nothing of now.
      if (!board.looks(clock.now())) return;
      const holder = seen?.lease.holder;
      // A renewal of ours may have gone through though its answer was lost.
      const free = !seen || holder === "" || holder === self;
      if (!free && clock.now() - seen.changedAt < wait) return;
      version = seen?.lease.version;
      transitions = (seen?.lease.transitions ?? 0) + (holder === self ? 0 : 1);
    }
    if (await renew(signal)) return;
    await clock.sleep(timing.lookMs, signal);
  }

  /** Takes the lease, or keeps it. */
  async function renew(signal: AbortSignal): Promise<boolean> {
    const sentAt = clock.now();
    const written = await write(version, self, transitions, signal);
    if (!written) {
      // Somebody else has it, or the answer to a renewal of ours was lost: the next look will tell.
      stopLeading("another agent has the lease");
      wait = patience();
      return false;
    }
    version = written.version;
    leadsUntil = sentAt + timing.renewDeadlineMs;
    renewAt = sentAt + timing.renewMs;
    if (!term && leads()) term = new AbortController();
    return true;
  }

  /** One after the other: two writes at once would take each other for somebody else's. */
  let turn: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  }

  async function handOver(): Promise<void> {
    const held = term !== undefined;
    stopLeading("the agent stops");
    if (!held || version === undefined) return;
    await write(version, "", transitions, new AbortController().signal).catch(parts.onError);
  }

  return {
    leads,
    get term() {
      return leads() ? term?.signal : undefined;
    },
    get leader() {
      return leads() ? self : (board.lease(leaseName)?.lease.holder ?? "");
    },
    get transitions() {
      return transitions;
    },
    async confirm(signal) {
      return inTurn(async () => term !== undefined && leads() && (await renew(signal)) && leads());
    },
    async run(signal) {
      // A renewal that hangs must not keep the term from ending.
      const watch = async () => {
        while (!signal.aborted) {
          if (term && !leads()) stopLeading("the lease could not be renewed in time");
          await clock.sleep(term ? Math.max(1, leadsUntil - clock.now()) : tickMs, signal).catch(() => {});
        }
      };
      const keep = async () => {
        while (!signal.aborted) {
          await inTurn(() => tick(signal)).catch((error) => {
            if (!signal.aborted) parts.onError(error);
          });
          await clock.sleep(tickMs, signal).catch(() => {});
        }
      };
      await Promise.all([watch(), keep()]);
      await inTurn(handOver);
    },
  };
}
