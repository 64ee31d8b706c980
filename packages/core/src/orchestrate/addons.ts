import type { Addon } from "../contracts/addon.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import type { FormedCluster } from "./cluster.js";
import { type Session, withDeadline } from "./session.js";
import { settle } from "./settle.js";

/** Applies all addons side by side, each after those that it names. */
export async function applyAddons(session: Session, cluster: FormedCluster): Promise<void> {
  const { addons = [] } = session.config;
  const nodes = session.sites.flatMap((site) => site.nodes);
  const running = new Map<string, Promise<string>>();

  async function apply(addon: Addon): Promise<string> {
    const before = (addon.after ?? []).map((name) => running.get(name)).filter((work) => work !== undefined);
    const after = await Promise.all(before).catch((cause) => {
      throw new MulticloudError(`${addon.name} was not applied because an addon that it needs failed`, {
        code: "ADDON_FAILED",
        cause,
      });
    });
    return session.steps.run(
      { kind: "addon", subject: addon.name, title: addon.name, after: [cluster.step, ...after] },
      ({ id }) =>
        withDeadline(session.signal, session.timing.addonMs, addon.name, async (signal) => {
          await addon.apply({
            ...session.context(signal),
            kubernetes: cluster.kubernetes,
            nodes,
            state: session.state,
          });
          return id;
        }),
    );
  }

  for (const addon of inOrder(addons)) running.set(addon.name, apply(addon));
  await settle([...running.values()], session.signal);
}

/** Addons after the ones that they name; a circle is broken at its first member. */
function inOrder(addons: readonly Addon[]): Addon[] {
  const result: Addon[] = [];
  const visited = new Set<Addon>();
  const visit = (addon: Addon) => {
    if (visited.has(addon)) return;
    visited.add(addon);
    for (const name of addon.after ?? []) {
      const earlier = addons.find((other) => other.name === name);
      if (earlier) visit(earlier);
    }
    result.push(addon);
  };
  for (const addon of addons) visit(addon);
  return result;
}
