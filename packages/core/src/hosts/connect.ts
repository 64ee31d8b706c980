import type { SshHost } from "@multicloud/ssh";
import type { Dialer } from "../contracts/dialer.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import type { Session } from "../orchestrate/session.js";
import type { TopologyNode } from "../topology/topology.js";
import { acceptedKeys } from "./host-record.js";
import { fromSshError } from "./ssh-errors.js";

/** Opens verified connections to the nodes of one run. Jump hosts are connected once per site and shared by its nodes. */
export interface Connections {
  /** Connects within the deadline, retrying while the machine boots. Rejects with `HOST_KEY_UNKNOWN`, `HOST_KEY_MISMATCH`, `SSH_AUTH_FAILED` or `HOST_UNREACHABLE`. */
  connect(node: ReachedNode, address: string, options: ConnectNodeOptions): Promise<SshHost>;
  /** How TCP reaches a site's machines: directly, or through its jump hosts. */
  dialer(node: Pick<TopologyNode, "site" | "jump">): Promise<Dialer>;
  close(): Promise<void>;
}

/** What connecting needs to know of a node. */
export type ReachedNode = Pick<TopologyNode, "name" | "site" | "jump">;

/** A dialer that may hold a connection to a jump host. */
export type SiteDialer = Dialer & { close?(): Promise<void> };

/** Options of one connection. */
export interface ConnectNodeOptions {
  /** Default 22. */
  readonly port?: number;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  /** The machine may be booting for the first time: its key or user may not be in place yet. */
  readonly firstBoot: boolean;
  onAttempt?(message: string): void;
}

export function openConnections(session: Session): Connections {
  const hosts: Promise<SshHost>[] = [];
  const siteDialers = new Map<string, Promise<SiteDialer>>();

  function dialer(node: Pick<TopologyNode, "site" | "jump">): Promise<SiteDialer> {
    // Machines of one site may have jump hosts of their own.
    const way = JSON.stringify([node.site, node.jump]);
    let found = siteDialers.get(way);
    if (!found) {
      found = openSiteDialer(session, node);
      siteDialers.set(way, found);
    }
    return found;
  }

  async function connect(node: ReachedNode, address: string, options: ConnectNodeOptions): Promise<SshHost> {
    const record = await session.records.read(node.name);
    const hostKeys = acceptedKeys(record);
    if (hostKeys.length === 0) {
      throw new MulticloudError(
        `the machine ${node.name} exists, but its host key is not in the state, so it cannot be verified`,
        {
          code: "HOST_KEY_UNKNOWN",
          site: node.site,
          node: node.name,
          hint: "restore the state directory of this cluster, or delete the machine in its cloud and run up() again",
        },
      );
    }
    const { waitForSsh } = await import("@multicloud/ssh");
    try {
      return await waitForSsh({
        host: address,
        port: options.port ?? 22,
        user: session.user,
        privateKey: (await session.key()).privateKey,
        hostKeys,
        dialer: await dialer(node),
        signal: options.signal,
        deadlineMs: options.deadlineMs,
        intervalMs: Math.min(1_000, session.timing.pollMs),
        retryDuringBoot: options.firstBoot,
        onAttempt: (attempt) => options.onAttempt?.(attempt.error.message),
      });
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason;
      throw fromSshError(error, node.site, node.name);
    }
  }

  return {
    dialer,
    connect(node, address, options) {
      const host = connect(node, address, options);
      hosts.push(host);
      return host;
    },
    async close() {
      const open = await Promise.allSettled(hosts);
      await Promise.allSettled(
        open.map((result) => (result.status === "fulfilled" ? result.value.close() : undefined)),
      );
      const dialers = await Promise.allSettled(siteDialers.values());
      await Promise.allSettled(
        dialers.map((result) => (result.status === "fulfilled" ? result.value.close?.() : undefined)),
      );
    },
  };
}

/** The dialer into one site: the user's, or one through the site's jump hosts, which opens its connection when it is first used. */
export async function openSiteDialer(
  session: Session,
  { jump }: Pick<TopologyNode, "jump">,
): Promise<SiteDialer> {
  // Without a way to close: the user's own dialer outlives the run.
  if (jump.length === 0) return (target, options) => session.dialer(target, options);
  const { jumpDialer } = await import("@multicloud/ssh");
  const { privateKey } = await session.key();
  const hops = jump.map(({ privateKeyFile, hostKey, ...hop }) => ({
    ...hop,
    hostKey,
    ...(privateKeyFile ? { privateKeyFile } : { privateKey }),
  }));
  const { hostKey, ...last } = hops.at(-1)!;
  return jumpDialer({ ...last, hostKeys: [hostKey], jump: hops.slice(0, -1), dialer: session.dialer });
}
