import {
  type IncompleteListError,
  type Machine,
  type MachineRequest,
  MulticloudError,
  type Provider,
  type SiteContext,
  ValidationError,
} from "@multicloud/core/plugin";
import { judge } from "./check.js";
import { isOurs } from "./claim.js";
import { type Login, onHost } from "./connect.js";
import { addressesOf, hostProblems, jumpsOf, type StaticHost } from "./hosts.js";
import { releaseHost } from "./release.js";
import { eachOf, type FoundHost, joined, type Scan, scanHosts } from "./scan.js";
import { takeHost } from "./take.js";

/** Settings of {@link staticHosts}. */
export interface StaticOptions extends Login {
  /** Hosts that are being connected to at the same time. Default 16. */
  readonly concurrency?: number;
}

/**
 * Machines that exist already: home servers, and anything that another tool made. A host is claimed by a
 * file on it (`/etc/multicloud/claim.json`: owner, cluster, site, node, spec), gets the boot configuration
 * over SSH, and is given back by removing what the claim made. `size` and `image` of the pools are words
 * only; `image` should name the system, for example `debian-12`.
 *
 * Errors: `HOST_UNREACHABLE`, `HOST_KEY_MISMATCH`, `SSH_AUTH_FAILED`, `REMOTE_COMMAND_FAILED`, `CONFLICT` when
 * no host is free, `CONFIG_INVALID`.
 */
export function staticHosts(hosts: readonly StaticHost[], options: StaticOptions = {}): Provider {
  const { concurrency = 16, ...login } = options;
  const wrong = hostProblems(hosts);
  /** Hosts that a `create` of this object is at work on. */
  const reserved = new Set<StaticHost>();
  /** Machines that are asked for together share one look at the hosts. */
  const looks = new WeakMap<AbortSignal, Promise<readonly FoundHost[]>>();

  function look(context: SiteContext): Promise<Scan> {
    if (wrong.length > 0) {
      const path = (relative: string) => `sites.${context.site}.${relative}`;
      return Promise.reject(new ValidationError(wrong.map((one) => ({ ...one, path: path(one.path) }))));
    }
    return scanHosts(hosts, login, concurrency, context);
  }

  /** All hosts. A silent one may be a node of ours, and a cluster without it would be another one: then this rejects, with what the others said. */
  async function scan(context: SiteContext): Promise<readonly FoundHost[]> {
    const { found, silent } = await look(context);
    if (!silent) return found;
    const machines = found.flatMap((one) => toMachine(context, one));
    throw Object.assign(silent, { machines } satisfies Pick<IncompleteListError, "machines">);
  }

  function sharedScan(context: SiteContext): Promise<readonly FoundHost[]> {
    const begun = looks.get(context.signal);
    if (begun) return begun;
    const next = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      looks.delete(context.signal);
      return scan(context);
    });
    looks.set(context.signal, next);
    return next;
  }

  async function createOne(context: SiteContext, request: MachineRequest): Promise<void> {
    const found = await sharedScan(context);
    const mine = found.find(({ claim }) => isNode(context, claim, request.name));
    const candidates = mine ? [mine] : bySuitability(found, request);
    for (const { host } of candidates) {
      if (!mine && reserved.has(host)) continue;
      reserved.add(host);
      try {
        const took = await onHost(host, login, context, (remote) => takeHost(remote, host, context, request));
        if (took) return;
      } finally {
        reserved.delete(host);
      }
    }
    context.signal.throwIfAborted();
    throw new MulticloudError(`no host is free for ${request.name}`, {
      code: "CONFLICT",
      site: context.site,
      node: request.name,
      service: "ssh",
      hint: "somebody else claimed a host meanwhile, or it is being given back: plan() names whose each one is",
    });
  }

  return {
    specVersion: "v1",
    name: "static",
    persistent: true,
    userData: { maxBytes: 0, gzip: false },
    async check(context, request) {
      return judge(context, await scan(context), request);
    },
    async list(context) {
      return (await scan(context)).flatMap((found) => toMachine(context, found));
    },
    async ensureShared(context) {
      // Hosts that exist have the network that they have; the operator's key comes with the boot configuration.
      context.signal.throwIfAborted();
    },
    async create(context, requests) {
      context.signal.throwIfAborted();
      await all(context, requests, (request) => createOne(context, request));
    },
    async delete(context, machines) {
      context.signal.throwIfAborted();
      const given = new Map(hosts.map((host) => [host.name, host]));
      await all(context, machines, async ({ id, name }) => {
        const host = given.get(id);
        if (host) await onHost(host, login, context, (remote) => releaseHost(remote, context, name));
      });
    },
    async deleteShared(context) {
      context.signal.throwIfAborted();
    },
  };

  async function all<T>(
    context: SiteContext,
    items: readonly T[],
    work: (item: T) => Promise<void>,
  ): Promise<void> {
    const results = await eachOf(items, concurrency, work);
    context.signal.throwIfAborted();
    const errors = results.flatMap((result) => ("error" in result ? [result.error] : []));
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw joined(errors, context.site);
  }
}

function isNode(context: SiteContext, claim: FoundHost["claim"], node: string): boolean {
  return claim !== undefined && claim !== "damaged" && isOurs(context, claim) && claim.node === node;
}

/** Free hosts that may become what is asked for, those that can be nothing else first. */
function bySuitability(found: readonly FoundHost[], { role }: MachineRequest): FoundHost[] {
  const free = found.filter(({ claim }) => claim === undefined);
  return [
    ...free.filter(({ host }) => host.role === role),
    ...free.filter(({ host }) => host.role === undefined),
  ];
}

function toMachine(context: SiteContext, { host, claim }: FoundHost): Machine[] {
  if (claim === undefined || claim === "damaged" || !isOurs(context, claim)) return [];
  const { node, role, spec, size, image, state } = claim;
  return [
    {
      id: host.name,
      name: node,
      role,
      spec,
      status: state === "ready" ? "running" : state === "preparing" ? "creating" : "deleting",
      ...addressesOf(host),
      ...(host.port === undefined ? {} : { sshPort: host.port }),
      jump: jumpsOf(host),
      hostKeys: [host.hostKey],
      size,
      image,
    },
  ];
}
