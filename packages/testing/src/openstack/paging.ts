import type { ServiceRequest } from "../world/http-service.js";

/** One page of a collection. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Query for the page after it; given after a full page, also when nothing follows, as the services do. */
  readonly next: URLSearchParams | undefined;
  readonly marker: string | undefined;
}

/** What is wrong with the paging parameters of a request. */
export class PagingError extends Error {}

/**
 * Cuts a page out of a sorted collection by `limit` and `marker`.
 *
 * @param pageSize most items whatever the caller asks for
 * @param defaultLimit items when the caller does not ask
 * @param isAfter whether an item follows one that is gone, where the service still knows such markers. Throws
 * `PagingError` when it does not know this one
 */
export function pageOf<T>(
  request: Pick<ServiceRequest, "query">,
  all: readonly T[],
  idOf: (item: T) => string,
  pageSize: number,
  defaultLimit = pageSize,
  isAfter?: (item: T, marker: string) => boolean,
): Page<T> {
  const asked = request.query.get("limit");
  if (asked !== null && !/^\d+$/.test(asked)) throw new PagingError(`limit [${asked}]`);
  const limit = Math.min(asked === null ? defaultLimit : Number(asked), pageSize);
  const marker = request.query.get("marker") ?? undefined;
  let after = -1;
  if (marker !== undefined) {
    after = all.findIndex((item) => idOf(item) === marker);
    const gone = after < 0;
    if (gone && isAfter) {
      const next = all.findIndex((item) => isAfter(item, marker));
      after = (next < 0 ? all.length : next) - 1;
    } else if (gone) throw new PagingError(`marker [${marker}]`);
  }
  const items = all.slice(after + 1, after + 1 + limit);
  let next: URLSearchParams | undefined;
  if (limit > 0 && items.length === limit) {
    next = new URLSearchParams(request.query);
    next.set("limit", String(limit));
    next.set("marker", idOf(items.at(-1)!));
  }
  return { items, next, marker };
}
