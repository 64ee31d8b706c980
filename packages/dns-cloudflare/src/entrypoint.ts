import {
  type CallContext,
  type DnsEntrypoint,
  delay,
  type EntrypointRecord,
  formatProblem,
  MulticloudError,
} from "@multicloud/core/plugin";
import type { Api } from "./api.js";
import { type Changes, changesTo, type DnsRecord, isEmpty } from "./changes.js";
import { checkEntrypoint, findZone, isAddress, obstacles, unknownZone } from "./check.js";
import type { CloudflareOptions } from "./cloudflare.js";
import { canonicalAddress, canonicalName, fullName, mark } from "./names.js";

/** How the operator's and the agent's half differ. */
export interface Manners {
  /** Opens the API, before each use. */
  open(context: CallContext): Promise<Api>;
  /** Times that a write which met something unexpected is made at most. */
  readonly tries: number;
  /** Ids of zones, kept between calls; without, they are looked up by each. */
  readonly zoneIds?: Map<string, string>;
}

/** What both halves have in common: everything but how Cloudflare is spoken to. */
export function createEntrypoint(
  options: Pick<CloudflareOptions, "zone" | "record" | "ttl" | "proxied">,
  { open, tries, zoneIds }: Manners,
): DnsEntrypoint {
  const zone = canonicalName(options.zone);
  const record = fullName(options.zone, options.record);
  const ttl = options.ttl ?? 60;
  const proxied = options.proxied ?? false;

  /** The API with the zone's id. */
  async function connect(context: CallContext): Promise<{ api: Api; zoneId: string }> {
    const api = await open(context);
    const known = zoneIds?.get(zone);
    if (known !== undefined) return { api, zoneId: known };
    const found = await findZone(api, zone);
    if (found) {
      zoneIds?.set(zone, found.id);
      return { api, zoneId: found.id };
    }
    throw new MulticloudError(formatProblem(unknownZone(zone, await api.zones())).trim(), {
      code: "NOT_FOUND",
      service: "cloudflare",
    });
  }

  const isOurs = (context: CallContext) => (each: DnsRecord) =>
    isAddress(each) && each.comment === mark(context.cluster);

  /**
   * Reads, and writes what is to be changed, until nothing is. A write whose end is not known, or that met
   * records that were not as read, is settled by reading again.
   */
  async function converge(
    context: CallContext,
    changesFor: (records: readonly DnsRecord[]) => Changes,
  ): Promise<boolean> {
    const { api, zoneId } = await connect(context);
    for (let tried = 1, changed = false; ; tried++) {
      const changes = changesFor(await api.records(zoneId, record));
      if (isEmpty(changes)) return changed;
      const result = await api.write(zoneId, changes);
      if (result.outcome === "done") return true;
      if (tried >= tries) throw result.error;
      changed ||= result.outcome === "unknown";
      await delay(250 * tried, context.signal);
    }
  }

  return {
    specVersion: "v1",
    name: "cloudflare",
    record,
    check: (context) => checkEntrypoint(context, { zone, record, ttl, proxied }, () => open(context)),
    async get(context) {
      const { api, zoneId } = await connect(context);
      const ours = (await api.records(zoneId, record)).filter(isOurs(context));
      return ours.length === 0 ? undefined : describe(ours.map((each) => each.content));
    },
    async set(context, given) {
      const addresses = canonicalAddresses(given);
      const settings = { name: record, comment: mark(context.cluster), ttl, proxied };
      const changed = await converge(context, (records) => {
        const obstacle = obstacles(records, settings.comment);
        if (obstacle) {
          throw new MulticloudError(`${record} cannot be set: ${obstacle.message}`, {
            code: "CONFLICT",
            service: "cloudflare",
            hint: obstacle.hint,
          });
        }
        return changesTo(records.filter(isOurs(context)), addresses, settings);
      });
      return { record: describe(addresses), changed };
    },
    async remove(context) {
      await converge(context, (records) => ({
        deletes: records.filter(isOurs(context)).map(({ id }) => ({ id })),
        patches: [],
        posts: [],
      }));
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
        service: "cloudflare",
      });
    }
    return [...new Set(given.map((address) => canonicalAddress(address) ?? address))];
  }
}
