/** When an observer changes its mind about an address. */
export interface HealthLimits {
  /** Failed probes in a row before an address counts as dead. */
  readonly failures: number;
  /** Milliseconds for which a dead address must have answered every probe before it counts as alive. Doubles with each death that follows the last within {@link forgiveMs}, up to sixteen times. */
  readonly returnMs: number;
}

/** What one observer makes of one address. */
export interface Health {
  readonly status: "unknown" | "up" | "down";
  /** Failed probes in a row. */
  readonly failed: number;
  /** When the row of failures began, in the caller's milliseconds. */
  readonly failingSince?: number;
  /** When a dead address began to answer again. */
  readonly goodSince?: number;
  /** When the status became what it is. */
  readonly since: number;
  /** Deaths that were not forgiven yet. */
  readonly deaths: number;
  /** False until the first answer. */
  readonly everUp: boolean;
}

/** An address that lived this long has its earlier deaths forgiven, in milliseconds. */
export const forgiveMs = 600_000;

export const newHealth = (at: number): Health => ({
  status: "unknown",
  failed: 0,
  since: at,
  deaths: 0,
  everUp: false,
});

/**
 * One probe's result taken in. Hysteresis both ways: a lost packet is no death, and a gasp is no life. An
 * address of which nothing is known yet is alive with its first answer.
 */
export function observe(health: Health, ok: boolean, at: number, limits: HealthLimits): Health {
  const { status, since, deaths, everUp } = health;
  if (!ok) {
    const failing = { failed: health.failed + 1, failingSince: health.failingSince ?? at, everUp };
    if (status === "down" || failing.failed < limits.failures) return { ...failing, status, since, deaths };
    const before = status === "up" && at - since >= forgiveMs ? 0 : deaths;
    return { ...failing, status: "down", since: at, deaths: before + 1 };
  }
  const answered = { failed: 0, deaths, everUp: true };
  if (status === "up") return { ...answered, status, since };
  if (status === "unknown") return { ...answered, status: "up", since: at };
  const goodSince = health.goodSince ?? at;
  const needed = limits.returnMs * 2 ** Math.min(4, Math.max(0, deaths - 1));
  if (at - goodSince < needed) return { ...answered, status, goodSince, since };
  return { ...answered, status: "up", since: at };
}
