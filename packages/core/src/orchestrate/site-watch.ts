import type { Machine } from "../contracts/provider.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { delay } from "../plugin/delay.js";
import type { Session } from "./session.js";

type Judge = (machine: Machine | undefined) => "yes" | "not yet" | MulticloudError;

interface Waiter {
  readonly node: string;
  readonly judge: Judge;
  resolve(machine: Machine | undefined): void;
  reject(error: unknown): void;
}

/** Waits for machines of one site; however many wait, each tick asks the cloud once. */
export interface SiteWatch {
  /** Until the machine runs and has the address that it is reached at, or has failed for a reason that passes. Rejects when the cloud gave up on it or lost it. */
  running(node: string, signal: AbortSignal): Promise<Machine>;
  /** Until the machine is gone. */
  gone(node: string, signal: AbortSignal): Promise<void>;
}

/** Looks in a row that must miss a machine before it counts as lost: lists lag behind creations. */
const missesBeforeLost = 10;

export function watchSite(session: Session, site: string): SiteWatch {
  const { provider, nat } = session.sites.find((one) => one.name === site)!.config;
  const waiters = new Set<Waiter>();
  let polling = false;
  let lastLook = Number.NEGATIVE_INFINITY;

  async function poll(): Promise<void> {
    polling = true;
    try {
      while (waiters.size > 0) {
        await delay(Math.max(0, lastLook + session.timing.pollMs - performance.now()), session.signal);
        lastLook = performance.now();
        const machines = await provider.list(session.siteContext(site));
        for (const waiter of [...waiters]) {
          const named = machines.filter(({ name }) => name === waiter.node);
          const machine = named.find(({ status }) => status !== "deleting") ?? named[0];
          const verdict = waiter.judge(machine);
          if (verdict === "not yet") continue;
          waiters.delete(waiter);
          if (verdict === "yes") waiter.resolve(machine);
          else waiter.reject(verdict);
        }
      }
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error);
      waiters.clear();
    } finally {
      polling = false;
    }
  }

  function wait(node: string, judge: Judge, signal: AbortSignal): Promise<Machine | undefined> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const finish = () => signal.removeEventListener("abort", onAbort);
      const waiter: Waiter = {
        node,
        judge,
        resolve: (machine) => {
          finish();
          resolve(machine);
        },
        reject: (error) => {
          finish();
          reject(error);
        },
      };
      const onAbort = () => {
        waiters.delete(waiter);
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      waiters.add(waiter);
      if (!polling) void poll();
    });
  }

  return {
    async running(node, signal) {
      let misses = 0;
      const machine = await wait(
        node,
        (found) => {
          if (!found || found.status === "deleting") {
            misses += 1;
            return misses < missesBeforeLost ? "not yet" : lost(site, node);
          }
          if (found.status === "failed")
            return found.retryable ? "yes" : machineFailed(site, node, found.fault);
          return found.status === "running" &&
            (nat ? found.privateAddress : (found.publicAddress ?? found.privateAddress))
            ? "yes"
            : "not yet";
        },
        signal,
      );
      return machine!;
    },
    async gone(node, signal) {
      await wait(node, (machine) => (machine ? "not yet" : "yes"), signal);
    },
  };
}

function lost(site: string, node: string): MulticloudError {
  return new MulticloudError(`${node} was made but is no longer listed by its cloud`, {
    code: "MACHINE_LOST",
    site,
    node,
    hint: "somebody may have deleted it: run up() again",
  });
}

/** The error of a machine that its cloud could not make. */
export function machineFailed(site: string, node: string, fault: string | undefined): MulticloudError {
  return new MulticloudError(`the cloud could not make ${node}${fault ? `: ${fault}` : ""}`, {
    code: "MACHINE_FAILED",
    site,
    node,
    hint: "the next up() removes what is left of it and tries again",
  });
}
