const replacement = "[redacted]";

/** Cuts the given secrets, and what looks like a bearer token or a private key, out of a text. */
export function redact(text: string, secrets: readonly string[]): string {
  let result = text;
  for (const secret of secrets) {
    if (secret.length >= 4) result = result.replaceAll(secret, replacement);
  }
  return result
    .replace(/(bearer|token)\s+[A-Za-z0-9._~+/=-]{12,}/gi, `$1 ${replacement}`)
    .replace(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, replacement);
}
