import type { ServiceRequest, ServiceResponse } from "../world/http-service.js";
import { refuse } from "./errors.js";

/** One page of a collection with DigitalOcean's `links` and `meta`. `pageSize` is the default of `per_page`. */
export function pageOf(
  request: ServiceRequest,
  key: string,
  items: readonly unknown[],
  pageSize: number,
): ServiceResponse {
  const page = parameter(request, "page", 1, Number.MAX_SAFE_INTEGER);
  const perPage = parameter(request, "per_page", pageSize, 200);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const link = (to: number) => {
    const url = new URL(request.path, request.origin);
    for (const [name, value] of request.query) url.searchParams.set(name, value);
    url.searchParams.set("page", String(to));
    url.searchParams.set("per_page", String(perPage));
    return url.href;
  };
  const pages = {
    ...(page > 1 ? { first: link(1), prev: link(page - 1) } : {}),
    ...(page < last ? { next: link(page + 1), last: link(last) } : {}),
  };
  return {
    status: 200,
    body: {
      [key]: items.slice((page - 1) * perPage, page * perPage),
      links: Object.keys(pages).length ? { pages } : {},
      meta: { total: items.length },
    },
  };
}

function parameter(request: ServiceRequest, name: string, byDefault: number, max: number): number {
  const given = request.query.get(name);
  if (given === null) return byDefault;
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw refuse(400, `${name} must be a whole number from 1 to ${max}.`);
  }
  return value;
}
