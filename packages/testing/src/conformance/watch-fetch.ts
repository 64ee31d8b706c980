import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Counts of the requests that this process made with `fetch`. */
export interface FetchWatch {
  /** Requests begun so far. */
  count(): number;
  /** Requests begun so far with a method other than GET and HEAD, of which `isWrite` says that they change something. */
  writes(): number;
  /** Most that were open at the same time since the last call. */
  peak(): number;
  /** Stops counting. */
  close(): void;
}

/** A request as Node tells of it (https://undici.nodejs.org/#/docs/api/DiagnosticsChannel). */
interface UndiciRequest {
  readonly method: string;
  readonly origin?: string;
  readonly path: string;
}

const channels = {
  begin: "undici:request:create",
  end: "undici:request:trailers",
  fail: "undici:request:error",
};

/**
 * Counts the `fetch` requests of this process through Node's diagnostics channels, so that a harness need not
 * be inside the provider's client.
 *
 * @param isWrite for services in which some POST changes nothing, such as logging in; default: all of them do
 */
export function watchFetch(isWrite: (request: UndiciRequest) => boolean = () => true): FetchWatch {
  let count = 0;
  let writes = 0;
  let open = 0;
  let peak = 0;
  const seen = new WeakSet<object>();
  const begin = (message: unknown) => {
    const { request } = message as { request: UndiciRequest };
    seen.add(request);
    count += 1;
    open += 1;
    peak = Math.max(peak, open);
    if (!/^(GET|HEAD)$/.test(request.method) && isWrite(request)) writes += 1;
  };
  const end = (message: unknown) => {
    const { request } = message as { request: object };
    if (seen.delete(request)) open -= 1;
  };
  subscribe(channels.begin, begin);
  subscribe(channels.end, end);
  subscribe(channels.fail, end);
  return {
    count: () => count,
    writes: () => writes,
    peak() {
      const most = peak;
      peak = open;
      return most;
    },
    close() {
      unsubscribe(channels.begin, begin);
      unsubscribe(channels.end, end);
      unsubscribe(channels.fail, end);
    },
  };
}
