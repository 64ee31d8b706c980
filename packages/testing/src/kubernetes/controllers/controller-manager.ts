import type { Clock } from "../../world/clock.js";
import type { Timing } from "../../world/timing.js";
import type { ObjectStore } from "../object-store.js";
import { reconcileApiServices } from "./api-services.js";
import { reconcileCertManager } from "./cert-manager.js";
import { reconcileDefinitions } from "./definitions.js";
import { reconcileHelmCharts } from "./helm.js";
import { reconcileLonghorn } from "./longhorn.js";
import { reconcileNamespaces } from "./namespaces.js";
import { reconcilePods } from "./pods.js";
import { reconcileWorkloads } from "./workloads.js";

/** What the emulated controllers work with. */
export interface ControllerParts {
  readonly store: ObjectStore;
  readonly timing: Timing;
  now(): number;
  /** Runs once after virtual milliseconds, however often it is asked for under this key meanwhile. */
  later(key: string, ms: number, run: () => void): void;
}

// Each of them looks at everything and brings it one step further; they are run until nothing changes.
const reconcilers: readonly ((parts: ControllerParts) => void)[] = [
  reconcileDefinitions,
  reconcileHelmCharts,
  reconcileNamespaces,
  reconcileApiServices,
  reconcileWorkloads,
  reconcilePods,
  reconcileCertManager,
  reconcileLonghorn,
];
const maxRounds = 100;

/** Starts what runs beside the API server: kube-controller-manager, the scheduler, the kubelets, and the operators we emulate. Returns a function that stops them. */
export function startControllers(store: ObjectStore, clock: Clock, timing: Timing): () => void {
  const pending = new Map<string, () => void>();
  let scheduled: NodeJS.Immediate | undefined;
  let stopped = false;

  const parts: ControllerParts = {
    store,
    timing,
    now: () => clock.now(),
    later(key, ms, run) {
      if (pending.has(key) || stopped) return;
      const cancel = clock.after(ms, () => {
        pending.delete(key);
        run();
        schedule();
      });
      pending.set(key, cancel);
    },
  };

  function run(): void {
    scheduled = undefined;
    for (let round = 0; round < maxRounds && !stopped; round++) {
      const before = store.revision;
      for (const reconcile of reconcilers) reconcile(parts);
      if (store.revision === before) return;
    }
  }

  function schedule(): void {
    if (!stopped) scheduled ??= setImmediate(run);
  }

  const stopListening = store.listen(schedule);
  schedule();
  return () => {
    stopped = true;
    stopListening();
    if (scheduled) clearImmediate(scheduled);
    for (const cancel of pending.values()) cancel();
    pending.clear();
  };
}
