import { createHash, randomInt, timingSafeEqual } from "node:crypto";

const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A line of an htpasswd file with Apache's MD5 scheme (`apr1`), which nginx and Traefik both read. */
export function htpasswdLine(user: string, password: string, salt = newSalt()): string {
  return `${user}:$apr1$${salt}$${apr1(password, salt)}`;
}

/** Whether a line is for this user and password; then there is no need for another, with another salt. */
export function htpasswdMatches(line: string, user: string, password: string): boolean {
  const found = /^([^:]+):\$apr1\$([^$]{1,8})\$[./0-9A-Za-z]{22}$/.exec(line.trim());
  if (!found || found[1] !== user) return false;
  const wanted = Buffer.from(htpasswdLine(user, password, found[2]));
  const given = Buffer.from(line.trim());
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

function newSalt(): string {
  return Array.from({ length: 8 }, () => alphabet[randomInt(alphabet.length)]).join("");
}

/** The scheme of apr_md5_encode: a thousand rounds of MD5 over password, salt and the last digest. */
function apr1(password: string, salt: string): string {
  const secret = Buffer.from(password, "utf8");
  const salted = Buffer.from(salt, "utf8");
  const mixed = md5(secret, salted, secret);
  const parts: Buffer[] = [secret, Buffer.from("$apr1$"), salted];
  for (let left = secret.length; left > 0; left -= 16) parts.push(mixed.subarray(0, Math.min(16, left)));
  for (let bits = secret.length; bits > 0; bits >>= 1)
    parts.push(bits & 1 ? Buffer.from([0]) : secret.subarray(0, 1));
  let digest = md5(...parts);
  for (let round = 0; round < 1_000; round++) {
    const odd = round % 2 === 1;
    digest = md5(
      odd ? secret : digest,
      ...(round % 3 === 0 ? [] : [salted]),
      ...(round % 7 === 0 ? [] : [secret]),
      odd ? digest : secret,
    );
  }
  return encode(digest);
}

/** Three bytes to four characters, in the order that the scheme has. */
function encode(digest: Buffer): string {
  const order = [
    [0, 6, 12],
    [1, 7, 13],
    [2, 8, 14],
    [3, 9, 15],
    [4, 10, 5],
  ] as const;
  const chunk = (value: number, length: number) =>
    Array.from({ length }, (_, index) => alphabet[(value >> (6 * index)) & 63]).join("");
  const bytes = order.map(([a, b, c]) => chunk((digest[a]! << 16) | (digest[b]! << 8) | digest[c]!, 4));
  return bytes.join("") + chunk(digest[11]!, 2);
}

function md5(...parts: readonly Buffer[]): Buffer {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
