import type { ServiceRequest, ServiceResponse } from "../world/http-service.js";
import { answer, refuse } from "./envelope.js";

/** One page of a collection with `result_info`. */
export function page(
  request: ServiceRequest,
  items: readonly unknown[],
  perPageBounds: { readonly byDefault: number; readonly min: number; readonly max: number },
): ServiceResponse {
  const number = parameter(request, "page", { byDefault: 1, min: 1, max: Number.MAX_SAFE_INTEGER });
  const perPage = parameter(request, "per_page", perPageBounds);
  const result = items.slice((number - 1) * perPage, number * perPage);
  return answer(result, {
    page: number,
    per_page: perPage,
    count: result.length,
    total_count: items.length,
    total_pages: Math.ceil(items.length / perPage),
  });
}

function parameter(
  request: ServiceRequest,
  name: string,
  bounds: { readonly byDefault: number; readonly min: number; readonly max: number },
): number {
  const given = request.query.get(name);
  if (given === null) return bounds.byDefault;
  const value = Number(given);
  if (Number.isInteger(value) && value >= bounds.min && value <= bounds.max) return value;
  throw refuse(400, 9207, `Invalid ${name}: must be between ${bounds.min} and ${bounds.max}.`);
}
