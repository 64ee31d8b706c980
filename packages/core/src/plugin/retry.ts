/** Exponential backoff with full jitter: a random wait up to `baseMs * 2^(tried - 1)`, at least a quarter of it, at most 30 s. */
export function retryDelay(tried: number, baseMs = 500): number {
  const ceiling = Math.min(30_000, baseMs * 2 ** (tried - 1));
  return Math.round(ceiling * (0.25 + 0.75 * Math.random()));
}

/** Milliseconds that `Retry-After` asks for (RFC 9110 §10.2.3: seconds or a date), or `undefined`. */
export function readRetryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
