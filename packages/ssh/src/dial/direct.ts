import { connect, type Socket } from "node:net";
import { bounded } from "../bounded.js";
import type { Dialer } from "../dialer.js";
import { dialError } from "./dial-error.js";

/** Plain TCP from this machine, with `TCP_NODELAY`. Default timeout 10 s. */
export function directDialer(): Dialer {
  return (target, options = {}) => {
    let socket: Socket | undefined;
    const timeoutMs = options.timeoutMs ?? 10_000;
    return bounded(
      () =>
        new Promise<Socket>((resolve, reject) => {
          socket = connect({ host: target.host, port: target.port, noDelay: true, keepAlive: true });
          socket.once("connect", () => {
            socket?.off("error", reject);
            resolve(socket as Socket);
          });
          socket.once("error", reject);
        }),
      {
        signals: [options.signal],
        timeoutMs,
        timeoutError: () => dialError(target, "ETIMEDOUT", `no answer within ${timeoutMs} ms`),
        cancel: () => {
          // Destroying a socket that is still looking up its name may emit an error nobody waits for.
          socket?.on("error", () => {});
          socket?.destroy();
        },
      },
    );
  };
}
