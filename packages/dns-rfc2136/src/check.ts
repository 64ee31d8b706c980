import { type CallContext, type CheckResult, MulticloudError, type Problem } from "@multicloud/core/plugin";
import { rehearsal } from "./changes.js";
import { canonicalName } from "./names.js";
import { obstacle, taken } from "./obstacle.js";
import type { Settings } from "./options.js";
import { readRecords } from "./records.js";
import type { Server } from "./server.js";

/** Errors that are a mistake in the options, with the option that they concern. */
const pathOf: Readonly<Record<string, string>> = {
  AUTH_FAILED: "key",
  FORBIDDEN: "key",
  NOT_FOUND: "zone",
  REQUEST_REFUSED: "server",
};

/**
 * Asks the server for the zone, for the record, and, when there is no record of ours yet, whether one may be
 * made: by an update that changes nothing whatever is answered.
 */
export async function checkServer(
  context: CallContext,
  settings: Settings,
  server: Server,
): Promise<CheckResult> {
  const problems: Problem[] = [];
  try {
    const unknown = await zoneProblem(settings, server);
    if (unknown) return { problems: [unknown], warnings: [] };
    const records = await readRecords(server, settings.record);
    let found = obstacle(records, context.cluster);
    if (!found && !records.mark) {
      const { prerequisites, updates } = rehearsal(settings);
      const doing = `asking whether ${settings.record} may be made`;
      const result = await server.update(doing, prerequisites, updates);
      if (result.outcome === "stale") found = taken(records);
      if (result.outcome === "unknown") throw result.error;
    }
    if (found) problems.push({ path: "record", given: settings.record, code: "CONFLICT", ...found });
  } catch (error) {
    const path = MulticloudError.isInstance(error) ? pathOf[error.code] : undefined;
    if (path === undefined || !MulticloudError.isInstance(error)) throw error;
    const { message, code, hint } = error;
    problems.push({ path, message, code, ...(hint === undefined ? {} : { hint }) });
  }
  return { problems, warnings: [] };
}

/** The server must answer for exactly this zone; otherwise says which one it has around the record. */
async function zoneProblem({ zone, record }: Settings, server: Server): Promise<Problem | undefined> {
  const apex = await server.query(zone, "SOA");
  const isHere = apex.answers.some((answer) => answer.type === "SOA" && canonicalName(answer.name) === zone);
  if (isHere && apex.isAuthoritative) return undefined;
  const around = apex.isAuthoritative ? apex : await server.query(record, "SOA");
  const soa = [...around.answers, ...around.authorities].find((answer) => answer.type === "SOA");
  const suggestion = around.isAuthoritative && soa ? canonicalName(soa.name) : undefined;
  return {
    path: "zone",
    message: "the server does not answer for a zone of this name",
    given: zone,
    code: "NOT_FOUND",
    ...(suggestion === undefined ? {} : { suggestion }),
    hint: "give the zone's own name, and its primary as the server",
  };
}
