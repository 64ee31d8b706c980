import { generateKeyPairSync, randomBytes } from "node:crypto";
import { SshError } from "../ssh-error.js";

/** A key pair for a user or a host. */
export interface KeyPair {
  /** OpenSSH's own PEM form, without a passphrase. Secret. */
  readonly privateKey: string;
  /** OpenSSH's one-line form with the comment. */
  readonly publicKey: string;
}

/** Makes an ed25519 key pair in the forms of OpenSSH (PROTOCOL.key). Throws `OPTIONS_INVALID` for a comment of several lines. */
export function generateKeyPair(comment: string): KeyPair {
  if (/[\r\n\0]/.test(comment)) {
    throw new SshError("the comment of a key must be one line", { code: "OPTIONS_INVALID" });
  }
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const point = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const seed = Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url");
  const type = string(Buffer.from("ssh-ed25519"));
  const blob = Buffer.concat([type, string(point)]);
  // The same random number twice tells a reader of an encrypted key that the passphrase was right.
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    blob,
    string(Buffer.concat([seed, point])),
    string(Buffer.from(comment)),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const none = string(Buffer.from("none"));
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    none, // cipher
    none, // key derivation
    string(Buffer.alloc(0)),
    uint32(1), // number of keys
    string(blob),
    string(Buffer.concat([secret, padding])),
  ]);
  const lines = body.toString("base64").match(/.{1,70}/g) ?? [];
  const pem = ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""];
  return {
    privateKey: pem.join("\n"),
    publicKey: `ssh-ed25519 ${blob.toString("base64")}${comment ? ` ${comment}` : ""}`,
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function string(bytes: Buffer): Buffer {
  return Buffer.concat([uint32(bytes.length), bytes]);
}
