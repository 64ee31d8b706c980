/** A held lock. */
export interface StateLock {
  /** Aborts when the lock was lost, for example because this process slept past its heartbeat. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** The few bytes that no cloud can hold: pinned host keys, engine state, kubeconfig; and the lock. */
export interface StateStore {
  /** `undefined` when there is none. Keys are `/`-separated names of `[A-Za-z0-9._-]`. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** Atomic and durable; private to the operator (0600). */
  write(key: string, data: string | Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  /** Keys below a prefix, sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** A private local directory (0700) for tools that want files. Its content is part of the state; files named `*.tmp` are scraps that the next `lock` removes. */
  directory(name: string): Promise<string>;
  /** Absolute path of a key for tools that want files, or `undefined` when the store is not on this machine. */
  path(key: string): string | undefined;
  /** Takes the lock or rejects with `STATE_LOCKED`, naming the holder. A holder whose heartbeat stopped is replaced. */
  lock(): Promise<StateLock>;
  /** Removes everything, the lock last. */
  clear(): Promise<void>;
}
