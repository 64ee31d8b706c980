import type { Problem } from "../contracts/context.js";

const supported = "v1";

/** Members that core calls, by seam. A plugin without one of them is refused by name. */
const members = {
  provider: ["name", "userData", "check", "list", "ensureShared", "create", "delete", "deleteShared"],
  overlay: ["name", "check", "find", "ensure", "boot", "admit", "members", "remove", "destroy"],
  engine: ["name", "cidrs", "check", "prepare", "up", "reset"],
  entrypoint: ["name", "record", "check", "get", "set", "remove"],
  addon: ["name", "apply"],
  gateway: ["name", "check", "ensure", "publicAddress", "remove"],
} as const;

/** Which seam a plugin is to fill. */
export type Seam = keyof typeof members;

/** What is wrong with an object that is to fill a seam: nothing there, a contract version unknown to this core, a missing member. */
export function pluginProblems(path: string, seam: Seam, plugin: unknown): Problem[] {
  if (typeof plugin !== "object" || plugin === null) {
    const hint = typeof plugin === "function" ? "call the factory: the plugin is what it returns" : undefined;
    return [{ path, message: `no ${seam} plugin`, given: describe(plugin), ...(hint ? { hint } : {}) }];
  }
  const candidate = plugin as Record<string, unknown>;
  const name = typeof candidate.name === "string" && candidate.name ? candidate.name : "(without name)";
  if (candidate.specVersion !== supported) {
    return [
      {
        path: `${path}.specVersion`,
        message: `the ${seam} plugin ${name} is written for another version of the plugin contracts`,
        given: describe(candidate.specVersion),
        allowed: [supported],
        hint:
          typeof candidate.specVersion === "string" && candidate.specVersion > supported
            ? "upgrade @multicloud/core to a release that knows this version"
            : `upgrade the package of the plugin ${name}`,
      },
    ];
  }
  const missing = members[seam].filter((member) => candidate[member] === undefined);
  return missing.map((member) => ({
    path: `${path}.${member}`,
    message: `the ${seam} plugin ${name} lacks ${member}`,
    hint: `upgrade the package of the plugin ${name}, or implement the member: see the contract of ${seam}`,
  }));
}

function describe(value: unknown): string {
  return value === undefined ? "nothing" : typeof value === "function" ? "a function" : JSON.stringify(value);
}
