import type { SiteContext } from "@multicloud/core/plugin";
import { siteTag } from "./marks.js";

interface Site<T> {
  running: Promise<unknown>;
  next: Promise<T> | undefined;
}

/**
 * Looks at a site for all calls that want it: while one look is under way, those that ask share the next. Each
 * look begins after all who get its result have asked, so none sees less than by itself.
 */
export function sharedLook<T>(
  look: (context: SiteContext) => Promise<T>,
): (context: SiteContext) => Promise<T> {
  const bySignal = new WeakMap<AbortSignal, Map<string, Site<T>>>();
  return (context) => {
    const sites = bySignal.get(context.signal) ?? new Map<string, Site<T>>();
    bySignal.set(context.signal, sites);
    const tag = siteTag(context);
    const site = sites.get(tag) ?? {
      running: new Promise((resolve) => setImmediate(resolve)),
      next: undefined,
    };
    sites.set(tag, site);
    site.next ??= site.running.then(() => {
      site.next = undefined;
      const mine = look(context);
      site.running = mine.catch(() => {});
      return mine;
    });
    return site.next;
  };
}
