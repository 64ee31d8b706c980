import type { Connection } from "./connection/connection.js";
import { authMethods, type Credentials } from "./connection/credentials.js";
import { openConnection } from "./connection/open.js";
import { directDialer } from "./dial/direct.js";
import type { Dialer } from "./dialer.js";
import { createHost } from "./host/create-host.js";
import { forwardStream } from "./host/forward.js";
import { hostKeyAlgorithms, type PublicKey, parsePublicKey } from "./keys/public-key.js";
import type { SshHost } from "./remote-host.js";
import { SshError, type SshHop } from "./ssh-error.js";

/** A host on the way to another. Without a key of its own it is entered with the target's credentials. */
export interface JumpOptions extends Pick<Credentials, "privateKey" | "privateKeyFile"> {
  readonly host: string;
  /** Default 22. */
  readonly port?: number;
  readonly user: string;
  /** The public key it must present, in OpenSSH's one-line form. */
  readonly hostKey: string;
}

/** Options of {@link connect}. */
export interface ConnectOptions extends Credentials {
  /** Host name or address. */
  readonly host: string;
  /** Default 22. */
  readonly port?: number;
  readonly user: string;
  /** Accepted host keys in OpenSSH's one-line form; the host must prove one of them. Never empty. */
  readonly hostKeys: readonly string[];
  /** Hosts to go through, in order. Each is verified by its own key. Default: none. */
  readonly jump?: readonly JumpOptions[];
  /** Opens the connection to the first host of the way. Default: direct TCP. */
  readonly dialer?: Dialer;
  /** Ends the attempt; the connection made does not depend on it any more. */
  readonly signal?: AbortSignal;
  /** For dialling and logging in, for each host of the way. Default 10 000. */
  readonly connectTimeoutMs?: number;
  /** An idle connection is asked for life this often, and given up after three silent times. Default 15 000; 0 turns it off. */
  readonly keepaliveMs?: number;
}

/**
 * Connects to a host, through its jump hosts, and verifies each host key. Rejects with `OPTIONS_INVALID`,
 * `UNREACHABLE`, `HOST_KEY_MISMATCH`, `AUTH_FAILED` or `TIMEOUT` (`hop` says which host), or with the signal's
 * reason. An open connection keeps the process alive until `close()`.
 */
export async function connect(options: ConnectOptions): Promise<SshHost> {
  options.signal?.throwIfAborted();
  const { jump = [], connectTimeoutMs: timeoutMs = 10_000, keepaliveMs = 15_000, signal } = options;
  // Everything is checked before the first packet.
  const way = await Promise.all([
    ...jump.map(async (each) => ({
      hop: hopOf(each, true),
      hostKeys: readHostKeys([each.hostKey], each.host),
      auth: await authMethods(each.privateKey || each.privateKeyFile ? each : options, each.user),
    })),
    (async () => ({
      hop: hopOf(options, false),
      hostKeys: readHostKeys(options.hostKeys, options.host),
      auth: await authMethods(options, options.user),
    }))(),
  ]);
  const open: Connection[] = [];
  let dialer = options.dialer ?? directDialer();
  try {
    for (const step of way) {
      const connection = await openConnection({ ...step, dialer, keepaliveMs, timeoutMs, signal });
      open.push(connection);
      dialer = (target, bounds) => forwardStream(connection, target, bounds);
    }
  } catch (error) {
    await Promise.all(open.reverse().map((connection) => connection.close()));
    throw error;
  }
  return createHost(open.at(-1) as Connection, open.slice(0, -1));
}

function hopOf(options: { host: string; port?: number; user: string }, jump: boolean): SshHop {
  return { host: options.host, port: options.port ?? 22, user: options.user, jump };
}

function readHostKeys(lines: readonly string[], host: string): PublicKey[] {
  if (lines.length === 0) {
    throw new SshError(`no accepted host key for ${host}`, {
      code: "OPTIONS_INVALID",
      hint: "Host keys are always verified. Give the key that the host must present in hostKeys.",
    });
  }
  const keys = lines.map(parsePublicKey);
  hostKeyAlgorithms(keys);
  return keys;
}
