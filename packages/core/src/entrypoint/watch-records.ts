import type { Session } from "../orchestrate/session.js";
import { type WatchOptions, watchEntrypoint } from "./watch.js";
import { watchApi } from "./watch-api.js";

/** Keeps the records of the configuration (the applications' and the API's) until the signal aborts. */
export async function watchRecords(session: Session, options: WatchOptions): Promise<void> {
  const { api, entrypoint } = session.config;
  if (!api) return watchEntrypoint(session, options);
  if (!entrypoint) return watchApi(session, api, options);
  // One that fails ends the other, which then returns as after an abort.
  const failed = new AbortController();
  const both: Session = { ...session, signal: AbortSignal.any([session.signal, failed.signal]) };
  const watches = [watchEntrypoint(both, options), watchApi(both, api, options)];
  for (const watch of watches) watch.catch(() => failed.abort());
  const results = await Promise.allSettled(watches);
  const broken = results.find((result) => result.status === "rejected");
  if (broken) throw broken.reason;
}
