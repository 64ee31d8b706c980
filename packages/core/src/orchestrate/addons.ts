import type { Addon } from "../contracts/addon.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { rememberedAddress } from "../gateway/address.js";
import type { FormedCluster } from "./cluster.js";
import { type Session, withDeadline } from "./session.js";
import { settle } from "./settle.js";

/** Applies all addons side by side, each after those that it names. */
export async function applyAddons(session: Session, cluster: FormedCluster): Promise<void> {
  const { addons = [] } = session.config;
  const nodes = session.sites.flatMap((site) => site.nodes);
  const running = new Map<string, Promise<string>>();
  const entries = await outsideEntries(session);

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
            entries,
          });
          return id;
        }),
    );
  }

  for (const addon of inOrder(addons)) running.set(addon.name, apply(addon));
  await settle([...running.values()], session.signal);
}

/** What the nodes of a site cannot know of the ways into it. */
async function outsideEntries(session: Session): Promise<Readonly<Record<string, readonly string[]>>> {
  const found = await Promise.all(
    session.sites.map(async ({ name, config: { gateway, nat } }) => {
      const router = typeof nat === "object" ? nat.publicAddress : undefined;
      const address = gateway ? await rememberedAddress(session, name) : router;
      return address === undefined ? [] : [[name, [address]] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}

/**
 * Removes an addon from the cluster of the last `up()`.
 *
 * @throws MulticloudError `CONFIG_INVALID` when it cannot be removed, or is still in the configuration
 */
export async function removeAddon(session: Session, addon: Addon): Promise<void> {
  const { config, state, signal } = session;
  const refuse = (message: string, hint: string) =>
    new MulticloudError(message, { code: "CONFIG_INVALID", hint });
  if (config.addons?.some(({ name }) => name === addon.name))
    throw refuse(
      `${addon.name} is in the configuration`,
      "take it out of `addons` first: the next up() would make it again",
    );
  const remove = addon.remove?.bind(addon);
  if (!remove)
    throw refuse(
      `${addon.name} has no way to remove itself`,
      "it may hold data: remove its objects with kubectl when you are sure",
    );
  const kubeconfig = await state.read("kubeconfig");
  if (kubeconfig === undefined)
    throw refuse(`the state knows no cluster to remove ${addon.name} from`, "run up() first");
  await session.steps.run({ kind: "addon", subject: addon.name, title: `removing ${addon.name}` }, () =>
    withDeadline(signal, session.timing.addonMs, `removing ${addon.name}`, async (own) => {
      const kubernetes = await session
        .engineContext(own)
        .kubernetes(Buffer.from(kubeconfig).toString("utf8"));
      try {
        const nodes = session.sites.flatMap((site) => site.nodes);
        await remove({ ...session.context(own), kubernetes, nodes, state });
      } finally {
        await kubernetes.close();
      }
    }),
  );
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
