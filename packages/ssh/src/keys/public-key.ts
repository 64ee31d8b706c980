import { createHash } from "node:crypto";
import { SshError } from "../ssh-error.js";

/** A public key taken apart. */
export interface PublicKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, … */
  readonly type: string;
  /** The key in the wire format of RFC 4253 §6.6. */
  readonly blob: Buffer;
  readonly comment: string | undefined;
  /** `type base64`, without the comment. */
  readonly line: string;
}

/** Reads a public key in OpenSSH's one-line form (`type base64 [comment]`). Throws `OPTIONS_INVALID` when it is none. */
export function parsePublicKey(line: string): PublicKey {
  const [type = "", base64 = "", ...comment] = line.trim().split(/\s+/);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || line.trim().includes("\n")) throw notAKey(type);
  const key = publicKeyFromBlob(Buffer.from(base64, "base64"));
  if (key.type !== type) throw notAKey(type);
  return { ...key, comment: comment.length > 0 ? comment.join(" ") : undefined };
}

/** Reads a public key in the wire format. Throws `OPTIONS_INVALID` when the type is missing. */
export function publicKeyFromBlob(blob: Buffer): PublicKey {
  const length = blob.length > 4 ? blob.readUInt32BE(0) : 0;
  const type = blob.toString("latin1", 4, 4 + length);
  if (length === 0 || blob.length <= 4 + length || !/^[\w@.-]+$/.test(type)) throw notAKey(type);
  return { type, blob, comment: undefined, line: `${type} ${blob.toString("base64")}` };
}

/** `SHA256:…` of a public key line, as `ssh-keygen -l` prints it. */
export function fingerprint(publicKeyLine: string): string {
  const digest = createHash("sha256").update(parsePublicKey(publicKeyLine).blob).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

/** MD5 of a public key line as `aa:bb:…`: how DigitalOcean and Nova name a key. Not for trust. */
export function md5Fingerprint(publicKeyLine: string): string {
  const digest = createHash("md5").update(parsePublicKey(publicKeyLine).blob).digest("hex");
  return (digest.match(/../g) ?? []).join(":");
}

// RSA keys sign with SHA-2 only (RFC 8332); the old `ssh-rsa` signature is SHA-1.
const algorithms = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
} as const;

/** A host key algorithm that may be negotiated. */
export type HostKeyAlgorithm = (typeof algorithms)[keyof typeof algorithms][number];

/** The algorithms that can prove one of these keys, so that a host with several keys presents one we know. */
export function hostKeyAlgorithms(keys: readonly PublicKey[]): HostKeyAlgorithm[] {
  const found = new Set<HostKeyAlgorithm>();
  for (const { type } of keys) {
    const names = algorithms[type as keyof typeof algorithms];
    if (names === undefined) {
      const allowed = Object.keys(algorithms).join(", ");
      throw new SshError(`a host key of type ${type} cannot be used; allowed: ${allowed}`, {
        code: "OPTIONS_INVALID",
      });
    }
    for (const name of names) found.add(name);
  }
  return [...found];
}

function notAKey(type: string): SshError {
  const shown = /^[\w@.-]{1,40}$/.test(type) ? ` (${type})` : "";
  return new SshError(`not a public key in OpenSSH's one-line form${shown}`, {
    code: "OPTIONS_INVALID",
    hint: "It looks like `ssh-ed25519 AAAA… comment`, as in a .pub file.",
  });
}
