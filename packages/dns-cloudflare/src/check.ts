import {
  type CallContext,
  type CheckResult,
  MulticloudError,
  nearest,
  type Problem,
} from "@multicloud/core/plugin";
import type { Api, Zone } from "./api.js";
import type { DnsRecord } from "./changes.js";
import { longestComment, mark, nameProblem } from "./names.js";

// https://developers.cloudflare.com/dns/manage-dns-records/reference: the API refuses to edit these.
const closedDomains = ["cf", "ga", "gq", "ml", "tk"];

/** What is to be checked. */
export interface CheckTarget {
  readonly zone: string;
  readonly record: string;
  readonly ttl: number;
  readonly proxied: boolean;
}

/** Everything that can be known to be wrong before the first write. Reads only. */
export async function checkEntrypoint(
  context: CallContext,
  target: CheckTarget,
  open: () => Promise<Api>,
): Promise<CheckResult> {
  const problems: Problem[] = checkOptions(context, target);
  const warnings: Problem[] = [];
  try {
    const api = await open();
    const zone = await findZone(api, target.zone);
    if (!zone) {
      problems.push(unknownZone(target.zone, await api.zones()));
      return { problems, warnings };
    }
    warnings.push(...doubts(target.zone, zone));
    if (problems.some(({ path }) => path === "record")) return { problems, warnings };
    const obstacle = obstacles(await api.records(zone.id, target.record), mark(context.cluster));
    if (obstacle) problems.push({ path: "record", given: target.record, code: "CONFLICT", ...obstacle });
  } catch (error) {
    const refused = MulticloudError.isInstance(error) && ["AUTH_FAILED", "FORBIDDEN"].includes(error.code);
    if (!refused) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    problems.push({ path: "token", message: error.message, code: error.code, ...hint });
  }
  return { problems, warnings };
}

/** The zone of exactly this name. */
export async function findZone(api: Api, name: string): Promise<Zone | undefined> {
  return (await api.zones(name)).find((zone) => zone.name === name);
}

/** Why no zone was found, with the nearest one that the token sees. */
export function unknownZone(name: string, zones: readonly Zone[]): Problem {
  const allowed = zones.map((zone) => zone.name).sort();
  const parent = allowed.find((zone) => name.endsWith(`.${zone}`));
  const suggestion = parent ?? nearest(name, allowed);
  const hint = parent
    ? `give zone "${parent}" and the rest of the name as the record`
    : allowed.length === 0
      ? "the token sees no zone at all: it needs Zone:Read for this one"
      : "the zone is not in this account, or the token may not see it (Zone:Read)";
  return {
    path: "zone",
    message: "Cloudflare has no zone of this name for this token",
    given: name,
    allowed,
    hint,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

/** What stands in the way of our record: records of others of the same name. `undefined` when nothing does. */
export function obstacles(
  records: readonly DnsRecord[],
  ourMark: string,
): { readonly message: string; readonly hint: string } | undefined {
  const alias = records.find((record) => record.type === "CNAME");
  if (alias) {
    const message = `a CNAME to ${alias.content} has this name, and no address can stand beside it`;
    return { message, hint: "delete it or choose another name" };
  }
  const delegation = records.find((record) => record.type === "NS");
  if (delegation) {
    const message = `this name is delegated to ${delegation.content}`;
    return { message, hint: "choose a name that this zone answers for" };
  }
  const foreign = records.find((record) => isAddress(record) && record.comment !== ourMark);
  if (!foreign) return undefined;
  const owner = foreign.comment?.startsWith("multicloud:")
    ? `the cluster ${foreign.comment.slice(11)}`
    : "somebody else";
  return {
    message: `${foreign.type} ${foreign.content} of this name belongs to ${owner}: its comment is not ${ourMark}`,
    hint: `delete it, choose another name, or set its comment to ${ourMark} to hand it over`,
  };
}

export const isAddress = (record: DnsRecord) => record.type === "A" || record.type === "AAAA";

function checkOptions(context: CallContext, target: CheckTarget): Problem[] {
  const problems: Problem[] = [];
  const wrongName = nameProblem(target.record);
  if (wrongName) problems.push({ path: "record", message: wrongName, given: target.record });
  if (!(target.ttl === 1 || (Number.isInteger(target.ttl) && target.ttl >= 60 && target.ttl <= 86_400))) {
    problems.push({
      path: "ttl",
      message: "a TTL is 60 to 86400 seconds, or 1 for automatic",
      given: String(target.ttl),
    });
  }
  const domain = target.zone.split(".").at(-1) ?? "";
  if (closedDomains.includes(domain)) {
    problems.push({
      path: "zone",
      message: `Cloudflare's API does not change zones under .${domain}`,
      given: target.zone,
    });
  }
  if (mark(context.cluster).length > longestComment) {
    problems.push({ path: "", message: "the cluster's name is too long for the comment of a record" });
  }
  return problems;
}

function doubts(name: string, zone: Zone): Problem[] {
  const found: Problem[] = [];
  if (zone.status !== undefined && zone.status !== "active") {
    found.push({
      path: "zone",
      message: `the zone is ${zone.status}: nobody is answered from it yet`,
      given: name,
      hint: "set the domain's name servers to Cloudflare's at its registrar",
    });
  }
  // The field is deprecated, so what it says is no reason to refuse.
  if (zone.permissions.length > 0 && !zone.permissions.includes("#dns_records:edit")) {
    found.push({ path: "token", message: "the token seems to lack DNS:Edit for this zone", given: name });
  }
  return found;
}
