import ssh2 from "ssh2";

const { generateKeyPairSync, parseKey } = ssh2.utils;

/** A key pair in OpenSSH's forms. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** An ed25519 key pair. */
export function generateKeyPair(comment: string): KeyPair {
  // ssh2 (1.17) drops a leading zero of a key's bytes: one in 256 of its ed25519 keys cannot be read.
  for (;;) {
    const pair = generateKeyPairSync("ed25519", { comment });
    if (!(parseKey(pair.private) instanceof Error || parseKey(pair.public) instanceof Error))
      return { privateKey: pair.private, publicKey: pair.public };
  }
}
