import type { SiteContext } from "@multicloud/core/plugin";
import type { Client } from "./client.js";
import { siteTag } from "./marks.js";
import type { WireAction, WireDroplet, WirePage } from "./wire.js";

// A droplet takes half a minute or more: sooner there is nothing to ask.
const askAfterMs = 10_000;
// A droplet that nobody lists and whose action says nothing is somebody else's matter after this.
const rememberMs = 15 * 60_000;
const perPage = 200;

/** A droplet that DigitalOcean gave up on, and the action that says so. */
export interface FailedBirth {
  readonly droplet: WireDroplet;
  readonly action: number;
}

/**
 * Droplets on their way. One whose making fails stays `new` or disappears; only its action tells that it
 * `errored`, and the API has no reason for it.
 */
export interface Births {
  /** Remembers droplets from the answer to their creation: one that disappears is known by nothing else. */
  note(context: SiteContext, droplets: readonly WireDroplet[]): void;
  /** Those of the site that failed, given what is listed now. Asks for actions at most every ten seconds, a page for two hundred. */
  failed(context: SiteContext, listed: readonly WireDroplet[]): Promise<readonly FailedBirth[]>;
  forget(context: SiteContext, ids: readonly string[]): void;
}

interface Site {
  readonly waiting: Map<number, { readonly droplet: WireDroplet; readonly since: number }>;
  readonly failed: Map<number, FailedBirth>;
  asked: number;
}

export function createBirths(client: Client, now: () => number = Date.now): Births {
  const sites = new Map<string, Site>();
  const siteOf = (context: SiteContext): Site => {
    const known = sites.get(siteTag(context)) ?? { waiting: new Map(), failed: new Map(), asked: 0 };
    sites.set(siteTag(context), known);
    return known;
  };

  function note(context: SiteContext, droplets: readonly WireDroplet[]): void {
    const { waiting } = siteOf(context);
    for (const droplet of droplets) {
      if (!waiting.has(droplet.id)) waiting.set(droplet.id, { droplet, since: now() });
    }
  }

  return {
    note,
    async failed(context, listed) {
      const site = siteOf(context);
      note(
        context,
        listed.filter(({ id, status }) => status === "new" && !site.failed.has(id)),
      );
      for (const { id, status } of listed) if (status !== "new") site.waiting.delete(id);
      const due = [...site.waiting].filter(([, { since }]) => now() - since >= askAfterMs);
      if (due.length > 0 && now() - site.asked >= askAfterMs) {
        site.asked = now();
        const actions = await createActions(client, context, new Set(due.map(([id]) => id)));
        for (const [id, { droplet, since }] of due) {
          const action = actions.get(id);
          if (action?.status === "errored") site.failed.set(id, { droplet, action: action.id });
          const over = action ? action.status !== "in-progress" : now() - since > rememberMs;
          if (over) site.waiting.delete(id);
        }
      }
      return [...site.failed.values()];
    },
    forget(context, ids) {
      const site = siteOf(context);
      for (const id of ids) {
        site.waiting.delete(Number(id));
        site.failed.delete(Number(id));
      }
    },
  };
}

/** The create actions of droplets. Actions come newest first, so the droplets' own are on the first pages. */
async function createActions(client: Client, context: SiteContext, ids: ReadonlySet<number>) {
  const found = new Map<number, WireAction>();
  const pages = Math.ceil(ids.size / perPage) + 1;
  for (let page = 1; page <= pages && found.size < ids.size; page++) {
    const { actions, links } = await client.get<WirePage & { readonly actions: readonly WireAction[] }>(
      context,
      "/v2/actions",
      { page, per_page: perPage },
    );
    for (const action of actions) {
      if (action.type === "create" && ids.has(action.resource_id)) found.set(action.resource_id, action);
    }
    if (!links?.pages?.next) break;
  }
  return found;
}
