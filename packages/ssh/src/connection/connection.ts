import type { Client } from "ssh2";
import type { SshError, SshHop } from "../ssh-error.js";

/** One authenticated SSH connection with a verified host key. */
export interface Connection {
  readonly client: Client;
  readonly hop: SshHop;
  readonly hostKey: string;
  /** Aborts with an `SshError` `CLOSED` the moment the connection is gone, whoever ended it. */
  readonly ended: AbortSignal;
  /** `undefined` when we closed it. */
  readonly closed: Promise<SshError | undefined>;
  close(): Promise<void>;
}
