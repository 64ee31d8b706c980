import type { SiteContext } from "@multicloud/core/plugin";
import type { OpenStackClient, Server } from "./client/index.js";
import { shareRun } from "./client/share.js";
import { statusOf } from "./server-status.js";

/** How long a look at the project's servers serves the creations that follow, in milliseconds. */
const freshMs = 10_000;

/**
 * Which machines are there, for those about to be made: one list of the project's servers serves all creations
 * of some seconds, and so does every list that is made for another reason, such as waiting for the ones before.
 *
 * That is as safe as a list before each: what this process made it knows itself, and what an earlier one made
 * before it was killed is either in the list or still on its way inside Nova, where no list would show it. For
 * those core looks again at the end of a run. Whatever may change what is there (the site being prepared, a
 * deletion) makes the list be asked for anew.
 */
export interface KnownServers {
  /** Every server of the project, asked for now. */
  list(call: SiteContext): Promise<readonly Server[]>;
  /** Whether a machine of this name with our mark is there and is to stay. */
  has(call: SiteContext, node: string): Promise<boolean>;
  /** To be told of each machine that was made. */
  made(call: SiteContext, node: string): void;
  /** Trusts no earlier list any more. */
  forget(): void;
}

export function createKnownServers(client: OpenStackClient): KnownServers {
  let seen: { readonly startedAt: number; readonly keys: ReadonlySet<string> } | undefined;
  /** When the creation of each was answered: a list that began later knows better. */
  let own = new Map<string, number>();
  let trustedFrom = Number.NEGATIVE_INFINITY;

  async function list(call: SiteContext): Promise<readonly Server[]> {
    const startedAt = performance.now();
    const servers = await client.nova.listServers(call);
    if (startedAt >= trustedFrom && startedAt >= (seen?.startedAt ?? 0)) {
      seen = { startedAt, keys: new Set(servers.filter(isThere).map(keyOfServer)) };
      own = new Map([...own].filter(([, answeredAt]) => answeredAt > startedAt));
    }
    return servers;
  }
  const look = shareRun(list);

  return {
    list,
    async has(call, node) {
      const asked = performance.now();
      const isFresh = () =>
        seen !== undefined && seen.startedAt >= trustedFrom && seen.startedAt >= asked - freshMs;
      // Somebody's look may be under way that began too early.
      while (!isFresh()) await look(call);
      const key = keyOf(call.cluster, call.site, node);
      return seen!.keys.has(key) || own.has(key);
    },
    made: (call, node) => void own.set(keyOf(call.cluster, call.site, node), performance.now()),
    forget() {
      trustedFrom = performance.now();
      own.clear();
    },
  };
}

/** Whether a server is there and is to stay. */
export function isThere(server: Server): boolean {
  return server.status !== "DELETED" && server.status !== "SOFT_DELETED" && statusOf(server) !== "deleting";
}

function keyOfServer({ metadata }: Server): string {
  return keyOf(metadata["multicloud-cluster"], metadata["multicloud-site"], metadata["multicloud-node"]);
}

function keyOf(...parts: readonly (string | undefined)[]): string {
  return JSON.stringify(parts);
}
