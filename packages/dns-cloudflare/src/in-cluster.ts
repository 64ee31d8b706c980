import type { CallContext, OpenRecord } from "@multicloud/core/plugin";
import { type CloudflareOptions, createEntrypoint } from "./cloudflare.js";

// The agent has a patience of its own for the whole; this one is for a single call that hangs.
const timeoutMs = 10_000;

/** The half of `cloudflare()` that the entrypoint agent loads: no waiting of its own, the token read before each call. */
export const openRecord: OpenRecord = ({ cluster, settings, secret, fetch, report }) => {
  const entrypoint = createEntrypoint(
    { ...(settings as unknown as CloudflareOptions), fetch },
    { attempts: 1, timeoutMs, token: async () => (await secret("token")).trim(), zoneIds: new Map() },
  );
  const context = (signal: AbortSignal): CallContext => ({
    cluster,
    signal,
    report,
    dialer: () => Promise.reject(new Error("the agent dials nothing for a DNS service")),
  });
  return {
    get: async (signal) => (await entrypoint.get(context(signal)))?.addresses ?? [],
    set: async (addresses, signal) => (await entrypoint.set(context(signal), addresses)).changed,
  };
};
