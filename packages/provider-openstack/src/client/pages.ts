import { MulticloudError } from "@multicloud/core/plugin";

/**
 * Follows a collection to its end. The services link their pages differently: Nova, Neutron and Cinder put
 * a `next` into `<key>_links`, Glance into `next`; Glance (and Nova after an exactly full page) links to a
 * page that is empty. Only the link's query is used: behind a proxy the address in it is often an inner one,
 * and Glance leaves the path's prefix out.
 *
 * @param ask asks for one page; `next` has the query parameters of the link, and is empty for the first page
 */
export async function collectPages<T>(
  service: string,
  key: string,
  ask: (next: Readonly<Record<string, string>>) => Promise<Record<string, unknown> | undefined>,
): Promise<readonly T[]> {
  const items: T[] = [];
  const seen = new Set<string>();
  let next: Readonly<Record<string, string>> = {};
  let restarts = 0;

  /** What the page began after may be deleted meanwhile; some services do not find the place then. */
  async function askOrStartOver() {
    try {
      return await ask(next);
    } catch (error) {
      if (!isLostMarker(error, next) || ++restarts > maxRestarts) throw error;
      items.length = 0;
      seen.clear();
      next = {};
      return ask(next);
    }
  }

  for (;;) {
    const page = await askOrStartOver();
    const found = page?.[key];
    if (!Array.isArray(found)) {
      throw new MulticloudError(`${service} answered without "${key}"`, { code: "SERVICE_ANSWER", service });
    }
    items.push(...found);
    const link = found.length > 0 ? nextLink(page!, key) : undefined;
    if (link === undefined) return items;
    next = Object.fromEntries(new URL(link, "http://localhost").searchParams);
    const marker = next.marker ?? link;
    if (seen.has(marker)) {
      throw new MulticloudError(`${service} links a page of "${key}" to itself (marker ${marker})`, {
        code: "SERVICE_ANSWER",
        service,
      });
    }
    seen.add(marker);
  }
}

/** How often a collection is begun anew because its things come and go. */
const maxRestarts = 5;

function isLostMarker(error: unknown, next: Readonly<Record<string, string>>): boolean {
  const { marker } = next;
  return (
    marker !== undefined &&
    MulticloudError.isInstance(error) &&
    (error.status === 400 || error.status === 404) &&
    error.message.includes(marker)
  );
}

function nextLink(page: Readonly<Record<string, unknown>>, key: string): string | undefined {
  if (typeof page.next === "string") return page.next;
  const links = page[`${key}_links`] ?? page[`${key.replace(/s$/, "")}_links`];
  if (!Array.isArray(links)) return undefined;
  const next = links.find((link) => link?.rel === "next")?.href;
  return typeof next === "string" ? next : undefined;
}
