import pLimit from "p-limit";
import type { Machine, MachineRequest } from "../contracts/provider.js";
import { renderCloudConfig } from "../fragment/cloud-config.js";
import { mergeFragments } from "../fragment/merge-fragments.js";
import { fitUserData } from "../fragment/user-data.js";
import { type BootableMachine, isNode, prepareFragment } from "./desired.js";
import { leaveOverlay } from "./reset-hosts.js";
import type { Session } from "./session.js";
import { type SiteWatch, watchSite } from "./site-watch.js";

/** Makes and removes the machines of one site: in batches as large as its provider takes, a bounded number at once. */
export interface SiteMachines extends SiteWatch {
  /** Resolves once the cloud has accepted, with the id of the step. */
  create(machine: BootableMachine): Promise<string>;
  /** Runs one node's preparation when fewer than the site's bound are running. */
  preparing<T>(work: () => Promise<T>): Promise<T>;
  /** Deletes and waits until they are gone. */
  delete(machines: readonly Machine[]): Promise<void>;
}

interface Waiting {
  readonly wanted: BootableMachine;
  resolve(step: string): void;
  reject(error: unknown): void;
}

/** Machines being asked for at once per site, unless the site says otherwise. */
const defaultConcurrency = 16;

/** A preparation is work for its own machine and costs the operator little: more of them may run than creations. */
const preparedPerCreated = 4;

/**
 * @param shared resolves (with the id of its step) once the site's key and firewall exist
 */
export function siteMachines(session: Session, site: string, shared: Promise<string>): SiteMachines {
  const { provider, concurrency = defaultConcurrency } = session.sites.find(
    ({ name }) => name === site,
  )!.config;
  const limit = pLimit(concurrency);
  const preparing = pLimit(concurrency * preparedPerCreated);
  const batchSize = provider.createBatch ?? 1;
  const watch = watchSite(session, site);
  let hostKey: Promise<{ privateKey: string; publicKey: string }> | undefined;
  let queue: Waiting[] = [];

  /** One key for all machines that this run makes in the site, so that their user data is equal and can be sent as one batch. */
  function oneTimeKey() {
    hostKey ??= import("@multicloud/ssh").then(({ generateKeyPair }) =>
      generateKeyPair(`one-time key of ${session.config.name}`),
    );
    return hostKey;
  }

  async function request(wanted: BootableMachine): Promise<MachineRequest> {
    const operator = await session.key();
    const user = { name: session.user, authorizedKeys: [operator.publicKey] };
    if (provider.persistent) {
      const boot = mergeFragments([wanted.boot, { users: [user] }]);
      const prepare = isNode(wanted) ? { prepare: prepareFragment(session, wanted.planned) } : {};
      return { ...wanted.planned.shape, spec: wanted.spec, userData: "", boot, ...prepare };
    }
    const key = await oneTimeKey();
    const document = renderCloudConfig(wanted.boot, { hostKey: key, user });
    return { ...wanted.planned.shape, spec: wanted.spec, userData: fitUserData(document, provider.userData) };
  }

  async function expectOneTimeKey(batch: readonly Waiting[]): Promise<void> {
    const { publicKey } = await oneTimeKey();
    for (const { wanted } of batch) {
      const record = await session.records.read(wanted.name);
      // Earlier keys stay: a creation that was cut off may still turn up with one of them.
      const oneTime = [publicKey, ...record.oneTime].slice(0, 4);
      await session.records.write(wanted.name, { oneTime, pinned: [], activated: false });
    }
  }

  async function createBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const after = await shared;
      const names = batch.map(({ wanted }) => wanted.name);
      const step = await session.steps.run(
        {
          kind: "create",
          site,
          ...(names.length === 1 ? { node: names[0]! } : {}),
          title:
            names.length === 1
              ? "creating the machine"
              : `creating ${names.length} machines: ${names.join(", ")}`,
          after: [after],
        },
        async ({ id }) => {
          if (!provider.persistent) await expectOneTimeKey(batch);
          await provider.create(
            session.siteContext(site),
            await Promise.all(batch.map(({ wanted }) => request(wanted))),
          );
          return id;
        },
      );
      for (const waiting of batch) waiting.resolve(step);
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    }
  }

  function flush(): void {
    const waiting = queue;
    queue = [];
    for (const batch of batches(waiting, batchSize)) void limit(() => createBatch(batch));
  }

  return {
    ...watch,
    preparing: (work) => preparing(work),
    create(wanted) {
      return new Promise((resolve, reject) => {
        // Machines that are asked for in the same turn of the event loop go into one batch.
        if (queue.length === 0) queueMicrotask(flush);
        queue.push({ wanted, resolve, reject });
      });
    },
    async delete(machines) {
      if (machines.length === 0) return;
      if (provider.persistent) await leaveOverlay(session, site, machines);
      await provider.delete(session.siteContext(site), machines);
      await Promise.all(machines.map(({ name }) => watch.gone(name, session.signal)));
      await Promise.all(machines.map(({ name }) => session.records.delete(name)));
    },
  };
}

/** Batches of machines that are made from the same pool, and so are equal but for their names. */
function batches(waiting: readonly Waiting[], size: number): Waiting[][] {
  const byPool = new Map<unknown, Waiting[]>();
  for (const one of waiting) {
    const { pool } = one.wanted.planned;
    byPool.set(pool, [...(byPool.get(pool) ?? []), one]);
  }
  const result: Waiting[][] = [];
  for (const group of byPool.values()) {
    for (let start = 0; start < group.length; start += size) result.push(group.slice(start, start + size));
  }
  return result;
}
