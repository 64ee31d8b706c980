import { setMaxListeners } from "node:events";
import { defaultFirewall, type MulticloudConfig, type TimingConfig } from "../config/config.js";
import type { CallContext, SiteContext } from "../contracts/context.js";
import type { Dialer } from "../contracts/dialer.js";
import type { EngineContext } from "../contracts/engine.js";
import type { FirewallRule } from "../contracts/provider.js";
import type { StateStore } from "../contracts/state-store.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { connectCluster } from "../hosts/connect-cluster.js";
import { type HostRecords, hostRecords } from "../hosts/host-record.js";
import { type OperatorKey, operatorKey, operatorKeyName } from "../hosts/operator-key.js";
import type { EmittedEvent } from "../run/events.js";
import { callContext, createSteps, type Steps } from "../run/steps.js";
import { directoryStore } from "../state/directory-store.js";
import { type TopologySite, topology } from "../topology/topology.js";

/** Everything that the parts of one run share. */
export interface Session {
  readonly config: MulticloudConfig;
  readonly sites: readonly TopologySite[];
  readonly state: StateStore;
  readonly records: HostRecords;
  readonly signal: AbortSignal;
  readonly dialer: Dialer;
  readonly timing: Required<TimingConfig>;
  readonly firewall: readonly FirewallRule[];
  readonly user: string;
  readonly steps: Steps;
  emit(event: EmittedEvent): void;
  /** Context of a plugin call that concerns no site. */
  context(signal?: AbortSignal): CallContext;
  siteContext(site: string, signal?: AbortSignal): SiteContext;
  /** The operator's key, read or made once. */
  key(): Promise<OperatorKey>;
  engineContext(signal?: AbortSignal): EngineContext;
}

const minute = 60_000;

/** Opens a run's session. Has no effect but, later, the state directory's. */
export async function openSession(
  config: MulticloudConfig,
  emit: (event: EmittedEvent) => void,
  signal: AbortSignal,
): Promise<Session> {
  // Every node listens to the run's signal; that many listeners are no leak.
  setMaxListeners(0, signal);
  const dialer = config.dialer ?? (await import("@multicloud/ssh")).directDialer();
  const state = stateOf(config);
  let key: Promise<OperatorKey> | undefined;
  const session: Session = {
    config,
    sites: topology(config),
    state,
    records: hostRecords(state),
    signal,
    dialer,
    timing: {
      pollMs: 2_000,
      machineMs: 10 * minute,
      sshMs: 10 * minute,
      bootMs: 15 * minute,
      prepareMs: 15 * minute,
      overlayMs: 5 * minute,
      engineMs: 60 * minute,
      addonMs: 15 * minute,
      ...config.timing,
    },
    firewall: config.firewall ?? defaultFirewall,
    user: config.ssh?.user ?? "multicloud",
    steps: createSteps(emit, signal),
    emit,
    context: (own) => callContext({ cluster: config.name, dialer, signal: own ?? signal, emit }),
    siteContext: (site, own) =>
      callContext({ cluster: config.name, dialer, signal: own ?? signal, emit }, site),
    key: () => (key ??= operatorKey(config.name, config.ssh, state)),
    engineContext(own) {
      return {
        ...session.context(own),
        state,
        privateKeyFile: config.ssh?.privateKeyFile ?? localPath(state, operatorKeyName),
        knownHostsFile: localPath(state, "known_hosts"),
        ...(config.api ? { apiName: config.api.record } : {}),
        kubernetes: (kubeconfig, options) => connectCluster(session, kubeconfig, options),
      };
    },
  };
  return session;
}

function localPath(state: StateStore, key: string): string {
  const path = state.path(key);
  if (path !== undefined) return path;
  throw new MulticloudError("the state store has no local files, which the engine's tools need", {
    code: "CONFIG_INVALID",
  });
}

/** The store that the configuration names; the default is below the working directory. */
export function stateOf(config: MulticloudConfig): StateStore {
  if (typeof config.state === "object") return config.state;
  return directoryStore(config.state ?? `.multicloud/${config.name}`);
}

/** A signal that aborts with the parent's, or with a `TIMEOUT` error that says what took too long. */
export async function withDeadline<T>(
  parent: AbortSignal,
  timeoutMs: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(
    () =>
      controller.abort(
        new MulticloudError(`${what} took longer than ${Math.round(timeoutMs / 1000)} s`, {
          code: "TIMEOUT",
        }),
      ),
    timeoutMs,
  );
  const signal = AbortSignal.any([parent, controller.signal]);
  setMaxListeners(0, signal);
  try {
    return await work(signal);
  } finally {
    clearTimeout(timer);
  }
}
