import type { CallContext, OpenRecord } from "@multicloud/core/plugin";
import { openAgentApi } from "./agent-api.js";
import type { CloudflareOptions } from "./cloudflare.js";
import { createEntrypoint } from "./entrypoint.js";
import { defaultBaseURL } from "./names.js";

/** The half of `cloudflare()` that the entrypoint agent loads: no waiting of its own, the token read before each use. */
export const openRecord: OpenRecord = ({ cluster, settings, secret, send, report }) => {
  const options = settings as unknown as CloudflareOptions;
  const zoneIds = new Map<string, string>();
  const entrypoint = createEntrypoint(options, {
    tries: 1,
    zoneIds,
    open: async ({ signal }) => {
      const token = (await secret("token")).trim();
      return openAgentApi({ send, report }, { token, baseURL: options.baseURL ?? defaultBaseURL, signal });
    },
  });
  const context = (signal: AbortSignal): CallContext => ({
    cluster,
    signal,
    report,
    dialer: () => Promise.reject(new Error("the agent dials nothing for a DNS service")),
  });
  async function call<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      // A zone that was made anew has another id.
      zoneIds.clear();
      throw error;
    }
  }
  return {
    get: async (signal) => (await call(entrypoint.get(context(signal))))?.addresses ?? [],
    set: async (addresses, signal) => (await call(entrypoint.set(context(signal), addresses))).changed,
  };
};
