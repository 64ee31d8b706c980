/** Requests that went through a `fetch`, in order, as `GET nova /servers/detail`. */
export interface WatchedFetch {
  readonly fetch: typeof fetch;
  readonly calls: readonly { readonly method: string; readonly path: string; readonly status: number }[];
  /** Requests so far that asked for a change; logging in is none. */
  writes(): number;
  /** Calls since the last `lap`. */
  lap(): number;
}

/**
 * A `fetch` that notes down what went through it.
 *
 * @param afterWrite told the number of each change that took effect, before its answer is given; what it throws
 * is what the caller gets instead of the answer
 */
export function watchFetch(afterWrite: (n: number) => void = () => {}): WatchedFetch {
  const calls: { method: string; path: string; status: number }[] = [];
  let last = 0;
  const isWrite = (call: { readonly method: string; readonly path: string }) =>
    call.method !== "GET" && !call.path.endsWith("/auth/tokens");
  const writes = () => calls.filter(isWrite).length;
  return {
    async fetch(input, init) {
      const response = await fetch(input, init);
      const { pathname } = new URL(input instanceof Request ? input.url : String(input));
      const call = { method: init?.method ?? "GET", path: pathname, status: response.status };
      calls.push(call);
      if (isWrite(call)) {
        // The service has done it by now, whatever happens to the answer.
        await response.clone().arrayBuffer();
        afterWrite(writes());
      }
      return response;
    },
    calls,
    writes,
    lap() {
      const since = calls.length - last;
      last = calls.length;
      return since;
    },
  };
}
