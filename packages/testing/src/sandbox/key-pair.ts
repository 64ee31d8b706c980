import ssh2 from "ssh2";

/** An ed25519 key pair in OpenSSH's forms. */
export function generateKeyPair(
  comment: string,
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  return new Promise((resolve, reject) => {
    ssh2.utils.generateKeyPair("ed25519", { comment }, (error, pair) => {
      if (error) reject(error);
      else resolve({ privateKey: pair.private, publicKey: pair.public });
    });
  });
}
