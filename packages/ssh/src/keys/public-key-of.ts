import { SshError } from "../ssh-error.js";

/**
 * The public key (OpenSSH's one-line form) of an unencrypted private key.
 *
 * @throws SshError `OPTIONS_INVALID` when the text is no private key or needs a passphrase.
 */
export async function publicKeyOf(privateKey: string, comment = ""): Promise<string> {
  const { default: ssh2 } = await import("ssh2");
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error || !parsed.isPrivateKey()) {
    const detail = parsed instanceof Error ? parsed.message : "it is a public key";
    throw new SshError(`this is no private key that can be used: ${detail}`, { code: "OPTIONS_INVALID" });
  }
  const line = `${parsed.type} ${parsed.getPublicSSH().toString("base64")}`;
  return comment ? `${line} ${comment}` : line;
}
