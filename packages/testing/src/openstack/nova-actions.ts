import { empty, fault } from "./answers.js";
import type { NovaCall } from "./nova-call.js";
import type { ServerRecord } from "./records.js";
import type { CloudState } from "./state.js";

interface Action {
  readonly from: ServerRecord["status"];
  readonly to: ServerRecord["status"];
  readonly task: string;
  /** Whether the machine is on the wire afterwards. */
  readonly on: boolean;
}

/** Actions on a server (Compute API, "Servers - run an action") that are emulated; the service has more. */
const actions: Readonly<Record<string, Action>> = {
  pause: { from: "ACTIVE", to: "PAUSED", task: "pausing", on: false },
  unpause: { from: "PAUSED", to: "ACTIVE", task: "unpausing", on: true },
};

/** Freezes a server in its memory, or lets it go on; its peers see it vanish as in a power cut. */
export async function actOn(
  state: CloudState,
  call: NovaCall,
  server: ServerRecord,
): Promise<{ status: number }> {
  const body = call.body;
  if (typeof body !== "object" || body === null || Array.isArray(body) || Object.keys(body).length !== 1)
    throw fault(400, "Malformed request body");
  const [[name, value]] = Object.entries(body) as [[string, unknown]];
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (!action) throw fault(400, `There is no such action: ${name}`);
  if (value !== null)
    throw fault(
      400,
      `Invalid input for field/attribute ${name}. Value: ${JSON.stringify(value)}. ${JSON.stringify(value)} is not of type 'null'`,
    );
  if (server.taskState !== null)
    throw fault(409, `Cannot '${name}' instance ${server.id} while it is in task_state ${server.taskState}`);
  if (server.status !== action.from)
    throw fault(409, `Cannot '${name}' instance ${server.id} while it is in vm_state ${vmState(server)}`);
  server.taskState = action.task;
  state.world.clock.after(state.world.timing.apiCallMs, () => {
    if (state.servers.get(server.id) !== server || server.taskState !== action.task) return;
    server.taskState = null;
    server.status = action.to;
    state.world.network.setMachinePower(server.id, action.on);
  });
  await state.world.effects.record({
    service: `${state.name}/nova`,
    kind: "server",
    action: "update",
    name: `${server.name} ${name}`,
  });
  return empty(202);
}

/** Nova's own name of the state behind a status. */
export function vmState({ status }: ServerRecord): string {
  return status === "BUILD" ? "building" : status.toLowerCase();
}
