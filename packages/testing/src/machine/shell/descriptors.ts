/** What can be read through a file descriptor. Duplicates share one source, and with it the position. */
export interface Source {
  /** Up to and including a line feed; `undefined` at the end. */
  readLine(): Promise<Buffer | undefined>;
  readAll(): Promise<Buffer>;
}

/** What can be written through a file descriptor. */
export interface Sink {
  write(data: Buffer): Promise<void> | void;
}

/** An open file description. */
export interface Descriptor {
  readonly source?: Source;
  readonly sink?: Sink;
  /** The file behind it, for programs that work on descriptors (`flock`). */
  readonly path?: string;
  /** Called when the last descriptor of it is closed. */
  readonly closers?: (() => void)[];
}

export type Descriptors = ReadonlyMap<number, Descriptor>;

/** A source over chunks that arrive in their own time. */
export function createSource(next: () => Promise<Buffer | undefined>): Source {
  let buffered = Buffer.alloc(0);
  let ended = false;
  const fill = async () => {
    const chunk = await next();
    if (chunk) buffered = Buffer.concat([buffered, chunk]);
    else ended = true;
  };
  return {
    async readLine() {
      while (true) {
        const end = buffered.indexOf(10);
        if (end >= 0 || ended) {
          const line = end >= 0 ? buffered.subarray(0, end + 1) : buffered;
          buffered = buffered.subarray(line.length);
          return line.length > 0 ? line : undefined;
        }
        await fill();
      }
    },
    async readAll() {
      while (!ended) await fill();
      const all = buffered;
      buffered = Buffer.alloc(0);
      return all;
    },
  };
}

/** A source over bytes that are there already. */
export function sourceOf(data: Uint8Array | string): Source {
  let left: Buffer | undefined = Buffer.from(data as Uint8Array);
  return createSource(async () => {
    const chunk = left;
    left = undefined;
    return chunk && chunk.length > 0 ? chunk : undefined;
  });
}

/** A sink that keeps what it gets. */
export function createCollector(): Sink & { bytes(): Buffer } {
  const chunks: Buffer[] = [];
  return { write: (data) => void chunks.push(data), bytes: () => Buffer.concat(chunks) };
}

export const nullDescriptor: Descriptor = {
  source: sourceOf(""),
  sink: { write: () => {} },
  path: "/dev/null",
};
