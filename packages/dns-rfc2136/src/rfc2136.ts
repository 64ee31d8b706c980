import {
  type CallContext,
  type DnsEntrypoint,
  delay,
  type EntrypointRecord,
  MulticloudError,
  ValidationError,
} from "@multicloud/core/plugin";
import type { Change } from "./changes.js";
import { canonicalAddress } from "./names.js";
import { optionProblems, type Rfc2136Options, readSecret, settingsOf, tsigKeyOf } from "./options.js";
import { readProgram } from "./program.js";
import type { Records } from "./records.js";
import type { Server } from "./server.js";

/** How the operator's half and the agent's differ. */
export interface EntrypointManners {
  /** How often a question is asked at most, and a change is tried that met other records than were read or whose end is not known. Default 4. */
  readonly attempts?: number;
  /** Asked before each call instead of `key.secret`. */
  secret?(): Promise<string>;
}

/**
 * Keeps A and AAAA records of one name in a zone of your own at the cluster's entry addresses, by dynamic
 * update (RFC 2136) signed with TSIG (RFC 8945), over TCP. A TXT record beside it says whose the record is and
 * which addresses were written; no other is ever changed. A change is one message that repeats what was read
 * as its prerequisites, so the name is never without an answer and of two writers at once one loses.
 *
 * Errors: `AUTH_FAILED` (key, secret or clock), `FORBIDDEN` (the key may not change the name), `NOT_FOUND`
 * (zone), `CONFLICT` (the name is somebody else's), `CONFIG_INVALID`, `REQUEST_REFUSED`, `SERVICE_FAILED`,
 * `SERVICE_UNREACHABLE`, `SERVICE_ANSWER` (unsigned or wrongly signed).
 */
export function rfc2136(options: Rfc2136Options): DnsEntrypoint {
  return {
    ...createEntrypoint(options, {}),
    inCluster: {
      program: readProgram,
      get settings() {
        const { host: server, port, zone, record, ttl, timeoutMs } = settingsOf(options);
        const { name, algorithm } = options.key;
        return {
          server,
          port,
          zone,
          record,
          ttl,
          timeoutMs,
          key: { name, ...(algorithm ? { algorithm } : {}) },
        };
      },
      secrets: () => ({ "tsig-secret": readSecret(options.key) }),
    },
  };
}

/** Both halves: the operator's and the agent's. */
export function createEntrypoint(options: Rfc2136Options, manners: EntrypointManners): DnsEntrypoint {
  const tries = manners.attempts ?? 4;
  const settings = settingsOf(options);
  const { record, zone, ttl } = settings;

  async function withServer<T>(context: CallContext, work: (server: Server) => Promise<T>): Promise<T> {
    context.signal.throwIfAborted();
    const key = manners.secret ? { ...options.key, secret: await manners.secret() } : options.key;
    const problems = optionProblems({ ...options, key }, context.cluster);
    if (problems.length > 0) throw new ValidationError(problems);
    const { openServer } = await import("./server.js");
    const server = openServer(context, { ...settings, key: tsigKeyOf(key), attempts: tries });
    try {
      return await work(server);
    } finally {
      server.close();
    }
  }

  /**
   * Reads, and sends what is to be changed, until nothing is. A change that met other records than were read, or
   * whose answer was lost, is settled by reading again.
   */
  async function converge(
    context: CallContext,
    server: Server,
    changeFor: (records: Records) => Change | undefined,
    onTaken: (records: Records) => MulticloudError,
  ): Promise<boolean> {
    const { readRecords } = await import("./records.js");
    for (let tried = 1, changed = false, refused = 0; ; tried++) {
      const records = await readRecords(server, record);
      const change = changeFor(records);
      if (!change) return changed;
      // Without a mark it is the zone that says whether the name is free; twice, so that a race is not taken for an owner.
      if (refused >= 2 && !records.mark) throw onTaken(records);
      const result = await server.update(`changing ${record}`, change.prerequisites, change.updates);
      if (result.outcome === "done") return true;
      if (tried >= tries) throw result.error;
      if (result.outcome === "stale") refused += 1;
      changed ||= result.outcome === "unknown";
      await delay(100 * tried * (1 + Math.random()), context.signal);
    }
  }

  const conflict = ({ message, hint }: { readonly message: string; readonly hint: string }) =>
    new MulticloudError(`${record} cannot be set: ${message}`, {
      code: "CONFLICT",
      service: "rfc2136",
      hint,
    });

  return {
    specVersion: "v1",
    name: "rfc2136",
    record,
    async check(context) {
      const problems = optionProblems(options, context.cluster);
      if (problems.length > 0) return { problems, warnings: [] };
      const { checkServer } = await import("./check.js");
      return withServer(context, (server) => checkServer(context, settings, server));
    },
    async get(context) {
      const { readRecords } = await import("./records.js");
      const { mark, A, AAAA } = await withServer(context, (server) => readRecords(server, record));
      if (mark?.cluster !== context.cluster) return undefined;
      const ours = [...A.addresses, ...AAAA.addresses].filter((address) => mark.addresses.includes(address));
      return ours.length === 0 ? undefined : describe(ours);
    },
    async set(context, given) {
      const addresses = canonicalAddresses(given);
      const { changeTo } = await import("./changes.js");
      const { obstacle, taken } = await import("./obstacle.js");
      const wanted = { record, zone, ttl, addresses, cluster: context.cluster };
      const changed = await withServer(context, (server) =>
        converge(
          context,
          server,
          (records) => {
            const found = obstacle(records, context.cluster);
            if (found) throw conflict(found);
            return changeTo(records, wanted);
          },
          (records) => conflict(taken(records)),
        ),
      );
      return { record: describe(addresses), changed };
    },
    async remove(context) {
      const { removal } = await import("./changes.js");
      await withServer(context, (server) =>
        converge(
          context,
          server,
          (records) => (records.mark?.cluster === context.cluster ? removal(records, record) : undefined),
          () => conflict({ message: "its mark keeps changing", hint: "is another run at work?" }),
        ),
      );
    },
  };

  function describe(addresses: readonly string[]): EntrypointRecord {
    return { name: record, addresses: [...addresses].sort() };
  }

  function canonicalAddresses(given: readonly string[]): string[] {
    const wrong = given.find((address) => canonicalAddress(address) === undefined);
    if (given.length === 0 || wrong !== undefined) {
      const what = wrong === undefined ? "no address is given" : `${JSON.stringify(wrong)} is no IP address`;
      throw new MulticloudError(`${record} cannot be set: ${what}`, {
        code: "CONFIG_INVALID",
        service: "rfc2136",
      });
    }
    return [...new Set(given.map((address) => canonicalAddress(address) ?? address))];
  }
}
