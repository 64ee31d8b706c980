import type { ClientRequest } from "node:http";
import type { Call } from "./transport.js";

/** What to watch: a collection, from the revision of a list of it. */
export interface WatchTarget {
  readonly path: string;
  readonly query: NonNullable<Call["query"]>;
}

/** A running watch, as an alarm clock: what changed is read anew by whoever is woken. */
export interface Watch {
  /** Resolves with true once something changed since the last call, with false when the watch has ended. */
  next(): Promise<boolean>;
  close(): void;
}

/** @param open makes the request; it is sent here */
export function openWatch(open: () => Promise<ClientRequest>): Watch {
  let state: "quiet" | "changed" | "ended" = "quiet";
  let wake = () => {};
  let outgoing: ClientRequest | undefined;
  const become = (next: typeof state) => {
    if (state !== "ended") state = next;
    wake();
  };

  open().then(
    (request) => {
      outgoing = request;
      if (state === "ended") return void request.on("error", () => {}).destroy();
      request.on("error", () => become("ended"));
      request.on("response", (incoming) => {
        if (incoming.statusCode !== 200) {
          request.destroy();
          return become("ended");
        }
        incoming.setEncoding("utf8");
        // An error event (the revision is too old) ends the watch; so does the server after a while.
        incoming.on("data", (text: string) => become(/^\{"type":"ERROR"/m.test(text) ? "ended" : "changed"));
        incoming.on("error", () => become("ended"));
        incoming.on("close", () => become("ended"));
      });
      request.end();
    },
    () => become("ended"),
  );

  return {
    async next() {
      if (state === "quiet") await new Promise<void>((resolve) => (wake = resolve));
      if (state === "ended") return false;
      state = "quiet";
      return true;
    },
    close() {
      become("ended");
      outgoing?.destroy();
    },
  };
}
