import type { Home } from "../../examples/homelab/homelab.js";

/** What a child is asked to do. */
export interface Request {
  readonly verb: "up" | "destroy";
  readonly home: Home;
  readonly socks: string;
  readonly state: string;
}

/** What a child says. `ready` comes once, when its modules are loaded. */
export type Answer =
  | { readonly type: "ready" }
  | { readonly type: "done" }
  | { readonly type: "failed"; readonly error: string };

/** An error with all that helps to find its cause. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  const cause = error.cause === undefined ? "" : `\ncaused by ${describeError(error.cause)}`;
  return `${code === undefined ? "" : `${code}: `}${error.stack ?? error.message}${cause}`;
}
