import { fault } from "./answers.js";
import type { NovaCall } from "./nova-call.js";
import type { FlavorRecord } from "./records.js";
import type { CloudState } from "./state.js";

/** What the project uses. */
export function usageOf(state: CloudState, call: NovaCall) {
  const servers = [...state.servers.values()].filter((s) => s.user.project === call.caller.project);
  return {
    instances: servers.length,
    cores: servers.reduce((sum, server) => sum + server.flavor.vcpus, 0),
    ram: servers.reduce((sum, server) => sum + server.flavor.ram, 0),
  };
}

/** Refuses servers that the project's quota has no room for. */
export function judgeQuota(state: CloudState, call: NovaCall, flavor: FlavorRecord, count: number): void {
  const used = usageOf(state, call);
  const asked = { cores: flavor.vcpus * count, instances: count, ram: flavor.ram * count };
  const over = (["cores", "instances", "ram"] as const).filter(
    (name) =>
      call.caller.project.quotas[name] >= 0 && used[name] + asked[name] > call.caller.project.quotas[name],
  );
  if (over.length === 0) return;
  const each = (of: (name: (typeof over)[number]) => number) => over.map(of).join(", ");
  throw fault(
    403,
    `Quota exceeded for ${over.join(", ")}: Requested ${each((n) => asked[n])}, but already used ${each((n) => used[n])} of ${each((n) => call.caller.project.quotas[n])} ${over.join(", ")}`,
  );
}

/** Nova asks Neutron for its quota before it makes a server, whose ports come later. */
export function judgePorts(state: CloudState, call: NovaCall, more: number): void {
  const { project } = call.caller;
  const used = [...state.ports.values()].filter((port) => port.project === project).length;
  if (project.quotas.ports >= 0 && used + more > project.quotas.ports)
    throw fault(403, "Maximum number of ports exceeded");
}
