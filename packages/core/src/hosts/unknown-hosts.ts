import { MulticloudError } from "../errors/multicloud-error.js";
import type { Session } from "../orchestrate/session.js";
import type { PlanAction } from "../plan/plan.js";
import { acceptedKeys } from "./host-record.js";

/**
 * Refuses to go on when machines that are to be logged in to have no host key in the state: they cannot be
 * told from impostors. A lost state directory must end here, before anything is changed.
 *
 * @throws MulticloudError `HOST_KEY_UNKNOWN`
 */
export async function requireKnownHosts(session: Session, actions: readonly PlanAction[]): Promise<void> {
  const unknown: PlanAction[] = [];
  for (const action of actions) {
    const isReached =
      action.action === "keep" ||
      (action.action === "replace" && !action.changes?.some(({ field }) => field === "failed"));
    if (!isReached) continue;
    if (acceptedKeys(await session.records.read(action.node)).length === 0) unknown.push(action);
  }
  if (unknown.length === 0) return;
  const names = unknown.map(({ node }) => node).join(", ");
  const [one] = unknown.length === 1 ? unknown : [];
  const exist = one
    ? "exists, but its host key is not in the state, so it cannot be verified"
    : "exist, but their host keys are not in the state, so they cannot be verified";
  const where = session.state.path("hosts")?.replace(/.hosts$/, "");
  throw new MulticloudError(`${names} ${exist}; nothing was changed`, {
    code: "HOST_KEY_UNKNOWN",
    site: one?.site,
    node: one?.node,
    hint: `restore the state directory of this cluster${where ? ` (${where})` : ""} from a copy. Without one, ${one ? "delete the machine in its cloud and run up() again" : "destroy() and up() make a new cluster"}`,
  });
}
