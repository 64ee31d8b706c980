import type { MachineRole, Problem, ProviderCheck, SiteContext, SiteRequest } from "@multicloud/core/plugin";
import { isOurs } from "./claim.js";
import type { FoundHost } from "./scan.js";

const poolOf: Readonly<Record<MachineRole, string>> = {
  master: "masters",
  worker: "workers",
  gateway: "gateways",
};

/** Whether the hosts can become what is asked for. Paths are relative to the site. */
export function judge(
  context: SiteContext,
  found: readonly FoundHost[],
  request: SiteRequest,
): ProviderCheck {
  return {
    problems: [...foreignHosts(context, found), ...missingHosts(found, request), ...shapeProblems(request)],
    warnings: otherSystems(found, request),
  };
}

function foreignHosts(context: SiteContext, found: readonly FoundHost[]): Problem[] {
  return found.flatMap(({ host, claim }, index): Problem[] => {
    const path = `provider.hosts[${index}]`;
    if (claim === undefined || (claim !== "damaged" && isOurs(context, claim))) return [];
    if (claim === "damaged") {
      return [
        {
          path,
          message: `the host ${host.name} is claimed, but its claim cannot be read`,
          given: "/etc/multicloud/claim.json",
          hint: "look whose it is; remove the file if it is nobody's",
        },
      ];
    }
    return [
      {
        path,
        message: `the host ${host.name} belongs to the cluster ${claim.cluster}, site ${claim.site}, as ${claim.node}`,
        hint: `take it out of the list of hosts, or destroy() the cluster ${claim.cluster}`,
      },
    ];
  });
}

/** Hosts that have a role of their own are used for it first; the others fill what is missing. */
function missingHosts(found: readonly FoundHost[], { machines, toCreate }: SiteRequest): Problem[] {
  const free = found.filter(({ claim }) => claim === undefined).map(({ host }) => host);
  const wanted = (role: MachineRole) =>
    machines.filter((machine) => machine.role === role && toCreate.includes(machine.name)).length;
  let either = free.filter(({ role }) => role === undefined).length;
  const problems: Problem[] = [];
  for (const role of ["master", "worker", "gateway"] as const) {
    const own = free.filter((host) => host.role === role).length;
    const lacking = Math.max(0, wanted(role) - own);
    if (lacking <= either) {
      either -= lacking;
      continue;
    }
    const room = own + either;
    either = 0;
    problems.push({
      path: `${poolOf[role]}.count`,
      message: `${wanted(role)} more ${wanted(role) === 1 ? role : poolOf[role]} needed, but ${room === 0 ? "no host is" : room === 1 ? "only 1 host is" : `only ${room} hosts are`} free for ${wanted(role) === 1 ? "it" : "them"}`,
      given: `${found.length} hosts: ${found.map(({ host, claim }) => `${host.name} (${claim ? "claimed" : (host.role ?? "any role")})`).join(", ")}`,
      hint: "add hosts to the list, or ask for fewer machines",
    });
  }
  return problems;
}

function shapeProblems({ machines }: SiteRequest): Problem[] {
  const problems = new Map<string, Problem>();
  for (const { role, disk, providerOptions } of machines) {
    const path = poolOf[role];
    if (disk) {
      problems.set(`${path}.disk`, {
        path: `${path}.disk`,
        message: "a machine that exists has the disk that it has",
        hint: "leave it out",
      });
    }
    for (const key of Object.keys(providerOptions ?? {})) {
      problems.set(`${path}.${key}`, {
        path: `${path}.providerOptions.${key}`,
        message: "hosts that exist have no such setting",
        hint: "leave it out",
      });
    }
  }
  return [...problems.values()];
}

/** An image is only a word here; but one that names another system than the host's is likely a mistake. */
function otherSystems(found: readonly FoundHost[], { machines }: SiteRequest): Problem[] {
  const images = [...new Set(machines.map(({ image }) => image))];
  if (!images.every((image) => /^[a-z]+-\d+(\.\d+)?$/.test(image))) return [];
  return found
    .filter(({ os }) => !images.includes(os))
    .map(({ host, os }) => ({
      path: `provider.hosts[${found.findIndex((one) => one.host === host)}]`,
      message: `the host ${host.name} runs ${os}`,
      given: images.join(", "),
    }));
}
