import type { MulticloudConfig } from "./config/config.js";
import { validate } from "./config/validate.js";
import type { Addon } from "./contracts/addon.js";
import type { EngineOperation } from "./contracts/engine.js";
import type { Gateway } from "./contracts/gateway.js";
import { type DrillOptions, type DrillResult, drill } from "./drill/drill.js";
import type { WatchOptions } from "./entrypoint/watch.js";
import { watchRecords } from "./entrypoint/watch-records.js";
import { MulticloudError, ValidationError } from "./errors/multicloud-error.js";
import { removeGateway } from "./gateway/left-behind.js";
import { type Inventory, inventory } from "./inventory/inventory.js";
import { removeAddon } from "./orchestrate/addons.js";
import { type DestroyResult, destroy } from "./orchestrate/destroy.js";
import { forgetSites } from "./orchestrate/forgotten-sites.js";
import { kubeconfigFor } from "./orchestrate/kubeconfig.js";
import { operate } from "./orchestrate/operate.js";
import { openSession, type Session, stateOf } from "./orchestrate/session.js";
import { type StatusResult, status } from "./orchestrate/status.js";
import { survey } from "./orchestrate/survey.js";
import { type UpResult, up } from "./orchestrate/up.js";
import type { Plan } from "./plan/plan.js";
import type { Verb } from "./run/events.js";
import { type Run, startRun } from "./run/run.js";

/** Options of every verb. */
export interface VerbOptions {
  /** Ends the run; it stops at once and rejects with `ABORTED`. What was done stays and is found again by the next run. */
  readonly signal?: AbortSignal;
}

/** Options of {@link Multicloud.kubeconfig}. */
export interface KubeconfigOptions extends VerbOptions {
  /** A master's name, `api` (the configuration's name for it), or a host, `host:port` or `https` URL of your own such as a tunnel's. Default: as the last `up()` left it. */
  readonly server?: string;
}

/** Options of the verbs that would otherwise look for every machine the state knows. */
export interface ForgetOptions extends VerbOptions {
  /** Sites that left the configuration and are lost for good, with all their machines. A running machine that is forgotten goes on running, and costing. */
  readonly forget?: readonly string[];
}

/** One cluster over several clouds. Every verb may be repeated, aborted, and cut off at any point. */
export interface Multicloud {
  readonly name: string;
  /** What `up()` would do. Has no effect on anything. */
  plan(options?: VerbOptions): Run<Plan>;
  /** Makes the world as the configuration wants it; changes nothing when it is. */
  up(options?: ForgetOptions): Run<UpResult>;
  /** The cluster as clouds, overlay, Kubernetes and DNS see it. */
  status(options?: VerbOptions): Run<StatusResult>;
  /** The machines for other tools: JSON, Ansible, ssh_config, Mermaid. */
  inventory(options?: VerbOptions): Run<Inventory>;
  /** Removes everything that carries this cluster's mark, and only that; the state last. */
  destroy(options?: ForgetOptions): Run<DestroyResult>;
  /** Removes an addon that left the configuration, with what it made inside and outside the cluster. */
  removeAddon(addon: Addon, options?: VerbOptions): Run<void>;
  /** Removes a gateway that left the configuration from a machine of your own, and puts back what was there before. */
  removeGateway(site: string, gateway: Gateway, options?: VerbOptions): Run<void>;
  /** Loses a site on purpose, measures until the name works again, and gives the site back. */
  drill(options: DrillOptions): Run<DrillResult>;
  /** The kubeconfig document of the last `up()`, with the API server of the caller's choice. Asks no service. */
  kubeconfig(options?: KubeconfigOptions): Run<string>;
  /** Has the engine do something besides `up()`, for example `operate(engine.snapshotSave({ name: "before" }))` with the engine that the configuration has. */
  operate<T>(operation: EngineOperation<T>, options?: VerbOptions): Run<T>;
  readonly entrypoint: {
    /** Keeps the records, the applications' on a live entry and the API's on the live masters, until the signal aborts; what it does comes as `entrypoint-switch` events. */
    watch(options?: WatchOptions): Run<void>;
  };
}

/**
 * Describes a cluster. Throws a {@link ValidationError} with all problems of the configuration; asks no
 * service yet.
 */
export function multicloud(config: MulticloudConfig): Multicloud {
  const { problems } = validate(config);
  if (problems.length > 0) throw new ValidationError(problems);

  /** What ends a run early rejects with `ABORTED`, whatever the interrupted library made of it. */
  async function abortable<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      signal?.throwIfAborted();
      return await work();
    } catch (error) {
      if (!signal?.aborted || MulticloudError.isInstance(signal.reason)) throw error;
      throw new MulticloudError("the run was aborted by its caller", {
        code: "ABORTED",
        hint: "what was done stays; run up() again to go on, or destroy() to remove it",
        cause: signal.reason,
      });
    }
  }

  function run<T>(
    verb: Verb,
    signal: AbortSignal | undefined,
    work: (session: Session) => Promise<T>,
  ): Run<T> {
    return startRun(verb, config.name, (emit) =>
      abortable(signal, async () =>
        work(await openSession(config, emit, signal ?? new AbortController().signal)),
      ),
    );
  }

  /** Verbs that change something hold the lock, and stop when they lose it. */
  function locked<T>(
    verb: Verb,
    signal: AbortSignal | undefined,
    work: (session: Session) => Promise<T>,
  ): Run<T> {
    return startRun(verb, config.name, (emit) =>
      abortable(signal, async () => {
        const lock = await stateOf(config).lock();
        try {
          return await work(
            await openSession(config, emit, AbortSignal.any(signal ? [signal, lock.lost] : [lock.lost])),
          );
        } finally {
          await lock.release();
        }
      }),
    );
  }

  const afterForgetting =
    <T>(sites: readonly string[] = [], work: (session: Session) => Promise<T>) =>
    async (session: Session) => {
      await forgetSites(session, sites);
      return work(session);
    };

  return {
    name: config.name,
    plan: ({ signal } = {}) => run("plan", signal, async (session) => (await survey(session)).plan),
    up: ({ signal, forget } = {}) => locked("up", signal, afterForgetting(forget, up)),
    status: ({ signal } = {}) => run("status", signal, status),
    inventory: ({ signal } = {}) => run("inventory", signal, inventory),
    destroy: ({ signal, forget } = {}) => locked("destroy", signal, afterForgetting(forget, destroy)),
    removeAddon: (addon, { signal } = {}) =>
      locked("remove-addon", signal, (session) => removeAddon(session, addon)),
    removeGateway: (site, gateway, { signal } = {}) =>
      locked("remove-gateway", signal, (session) => removeGateway(session, site, gateway)),
    drill: (options) => locked("drill", options.signal, (session) => drill(session, options)),
    kubeconfig: ({ signal, server } = {}) =>
      run("kubeconfig", signal, (session) => kubeconfigFor(session, server)),
    operate: (operation, { signal } = {}) =>
      locked("operate", signal, (session) => operate(session, operation)),
    entrypoint: {
      watch: (options = {}) => run("watch", options.signal, (session) => watchRecords(session, options)),
    },
  };
}
