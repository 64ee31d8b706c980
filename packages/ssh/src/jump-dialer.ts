import { bounded } from "./bounded.js";
import { type ConnectOptions, connect } from "./connect.js";
import { dialError } from "./dial/dial-error.js";
import type { Dialer } from "./dialer.js";
import type { SshHost } from "./remote-host.js";
import { hopName, SshError } from "./ssh-error.js";

/** A dialer that holds a connection. */
export type JumpDialer = Dialer & {
  /** Ends the connection to the jump host and all streams through it. A later dial connects again. */
  close(): Promise<void>;
};

/**
 * Dials through a jump host over one connection, which is made at the first dial, shared by all, and made anew
 * when it broke. Each stream is a `direct-tcpip` channel, of which sshd allows any number. A target that the
 * jump host cannot reach is an `Error` with Node's code, like any dialer's; trouble with the jump host itself
 * is its `SshError`. `timeoutMs` (default 10 s) covers both. `options.signal` ends the dialer for good.
 */
export function jumpDialer(options: ConnectOptions): JumpDialer {
  let shared: Promise<SshHost> | undefined;

  const host = () => {
    if (shared) return shared;
    const opening = connect(options);
    const forget = () => {
      if (shared === opening) shared = undefined;
    };
    opening.then((made) => made.closed.then(forget), forget);
    shared = opening;
    return opening;
  };

  const dial: Dialer = async (target, limits = {}) => {
    const timeoutMs = limits.timeoutMs ?? 10_000;
    const started = performance.now();
    const left = () => Math.max(1, timeoutMs - (performance.now() - started));
    const jump = hopName({ host: options.host, port: options.port ?? 22, user: options.user, jump: true });
    for (let attempt = 1; ; attempt++) {
      // Others may be waiting for the same connection: giving up here does not end it.
      const via = await bounded(host, {
        signals: [limits.signal],
        timeoutMs: left(),
        timeoutError: () =>
          dialError(target, "ETIMEDOUT", `the jump host ${jump} was not connected within ${timeoutMs} ms`),
      }).catch((error: unknown) => {
        throw SshError.isInstance(error) && error.hop && !error.hop.jump ? asJump(error) : error;
      });
      try {
        return await via.forward(target, { ...limits, timeoutMs: left() });
      } catch (error) {
        if (!SshError.isInstance(error)) throw error;
        // The connection broke since the last dial (it was not we who closed it): a new one is worth a try.
        if (error.code === "CLOSED" && attempt === 1 && (await via.closed)) continue;
        if (error.code !== "FORWARD_FAILED") throw error;
        throw dialError(target, error.reason ?? "ECONNREFUSED", error.message, error);
      }
    }
  };

  return Object.assign(dial, {
    async close() {
      const current = shared;
      shared = undefined;
      await current?.then(
        (made) => made.close(),
        () => {},
      );
    },
  });
}

/** The jump host is the target of its own connection, but a hop on the way for who dials through it. */
function asJump(error: SshError): SshError {
  if (!error.hop) return error;
  return new SshError(error.message, {
    ...error,
    code: error.code,
    hop: { ...error.hop, jump: true },
    cause: error,
  });
}
