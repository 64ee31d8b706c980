import { connect } from "node:net";
import type { CallContext, Dialer, OpenRecord } from "@multicloud/core/plugin";
import type { Rfc2136Options } from "./options.js";
import { createEntrypoint } from "./rfc2136.js";

/** The half of `rfc2136()` that the entrypoint agent loads: each call is made once, the secret read before it. */
export const openRecord: OpenRecord = ({ cluster, settings, secret, report }) => {
  const entrypoint = createEntrypoint(settings as unknown as Rfc2136Options, {
    attempts: 1,
    secret: async () => (await secret("tsig-secret")).trim(),
  });
  const context = (signal: AbortSignal): CallContext => ({ cluster, signal, report, dialer: dial });
  return {
    get: async (signal) => (await entrypoint.get(context(signal)))?.addresses ?? [],
    set: async (addresses, signal) => (await entrypoint.set(context(signal), addresses)).changed,
  };
};

/** A plain TCP connection: the pod's network is all that there is. */
const dial: Dialer = (target, { signal, timeoutMs = 10_000 } = {}) =>
  new Promise((resolve, reject) => {
    const bounds = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
    const socket = connect(target);
    const abort = () => socket.destroy(bounds.reason);
    if (bounds.aborted) abort();
    bounds.addEventListener("abort", abort, { once: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      bounds.removeEventListener("abort", abort);
      socket.off("error", reject);
      resolve(socket);
    });
  });
