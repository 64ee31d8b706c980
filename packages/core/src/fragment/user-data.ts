import { gzipSync } from "node:zlib";
import { parse } from "yaml";
import { MulticloudError } from "../errors/multicloud-error.js";

/** What a provider takes as user data; see `Provider.userData`. */
export interface UserDataLimit {
  readonly maxBytes: number;
  /** Whether the images' cloud-init gets to see gzip as it is. */
  readonly gzip: boolean;
}

/**
 * User data that fits the provider: the text itself, or gzipped when only that fits and the provider allows
 * it. Equal text gives equal bytes.
 *
 * @throws MulticloudError `CONFIG_INVALID` with size, limit and the largest parts when neither fits.
 */
export function fitUserData(text: string, limit: UserDataLimit): string | Uint8Array {
  const size = Buffer.byteLength(text);
  if (size <= limit.maxBytes) return text;
  const packed = limit.gzip ? gzip(text) : undefined;
  if (packed && packed.length <= limit.maxBytes) return packed;
  const sizes = packed ? `${size} bytes, ${packed.length} gzipped` : `${size} bytes`;
  throw new MulticloudError(
    `The boot configuration is too large: ${sizes}; the provider takes ${limit.maxBytes}. Largest parts: ${largest(text)}`,
    {
      code: "CONFIG_INVALID",
      hint: "leave to the preparation over SSH what the first boot does not need, or fetch large files from a URL",
    },
  );
}

function gzip(text: string): Uint8Array {
  const packed = gzipSync(text, { level: 9 });
  // RFC 1952: no modification time, and "unknown" as operating system, so that the bytes depend on the text only.
  packed.fill(0, 4, 8);
  packed[9] = 255;
  return packed;
}

/** The three largest files and commands, by what they take in the document. */
function largest(text: string): string {
  const { write_files = [], runcmd = [] } = parse(text) as {
    write_files?: { path: string; content: string }[];
    runcmd?: string[];
  };
  const parts = [
    ...write_files.map(({ path, content }) => ({ name: path, size: Buffer.byteLength(content) })),
    ...runcmd.map((command) => ({
      name: `command ${JSON.stringify(command.trim().slice(0, 40))}`,
      size: Buffer.byteLength(command),
    })),
  ];
  return parts
    .sort((a, b) => b.size - a.size)
    .slice(0, 3)
    .map(({ name, size }) => `${name} (${size} bytes)`)
    .join(", ");
}
