import type { Clock } from "../world/clock.js";
import type { ServiceRequest } from "../world/http-service.js";
import { createSlidingWindow, type WindowState } from "../world/sliding-window.js";
import { refuse } from "./errors.js";

/** Requests that one token may make. */
export interface RateLimits {
  /** Default 5,000. */
  readonly perHour?: number;
  /** Default 250. */
  readonly perMinute?: number;
  /** Of `GET /v2/account/keys`. Default 10. */
  readonly keyListsPerMinute?: number;
}

/**
 * DigitalOcean's limits in virtual time. What the headers tell a caller is in the caller's own time, since
 * that is what it can wait.
 */
export function createRateLimit(clock: Clock, limits: RateLimits) {
  const perHour = limits.perHour ?? 5000;
  const perToken = new Map<string, ReturnType<typeof windows>>();
  const windows = () => ({
    hour: createSlidingWindow(perHour, 3_600_000),
    minute: createSlidingWindow(limits.perMinute ?? 250, 60_000),
    keyLists: createSlidingWindow(limits.keyListsPerMinute ?? 10, 60_000),
  });

  /** Counts one request; gives the headers of its answer or throws the 429. */
  return function count(token: string, request: ServiceRequest): Record<string, string> {
    const now = clock.now();
    const mine = perToken.get(token) ?? windows();
    perToken.set(token, mine);
    const realMsUntil = (state: WindowState) => Math.max(0, state.resetAt - now) * clock.scale;
    const hour = mine.hour.take(now);
    const headers = {
      "ratelimit-limit": String(perHour),
      "ratelimit-remaining": String(hour.remaining),
      "ratelimit-reset": String(Math.ceil((Date.now() + realMsUntil(hour)) / 1000)),
    };
    if (!hour.allowed) throw refuse(429, "API rate limit exceeded.", headers);
    const bursts = [mine.minute.take(now)];
    if (request.method === "GET" && /^\/v2\/account\/keys\/?$/.test(request.path)) {
      bursts.push(mine.keyLists.take(now));
    }
    const burst = bursts.find((state) => !state.allowed);
    if (burst) {
      const after = String(Math.max(1, Math.ceil(realMsUntil(burst) / 1000)));
      throw refuse(429, "API rate limit exceeded.", { ...headers, "retry-after": after });
    }
    return headers;
  };
}
