import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  fingerprint,
  generateKeyPair,
  md5Fingerprint,
  parsePublicKey,
  publicKeyOf,
  SshError,
  shellQuote,
} from "../src/index.js";

const keygen = (...args: string[]) => execFileSync("ssh-keygen", args, { encoding: "utf8", stdio: "pipe" });
const noKeygen = (() => {
  try {
    execFileSync("ssh-keygen", ["-?"], { stdio: "ignore" });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
  return false;
})();
if (noKeygen) console.warn("SKIPPED: comparison with ssh-keygen: it is not installed");

describe("key pairs", () => {
  it("are read back by ssh2, whatever the length of the comment", () => {
    for (let length = 0; length < 20; length++) {
      const pair = generateKeyPair("c".repeat(length));
      const key = ssh2.utils.parseKey(pair.privateKey);
      if (key instanceof Error) throw key;
      const parsed = Array.isArray(key) ? key[0] : key;
      expect(parsed?.isPrivateKey()).toBe(true);
      expect(parsed?.getPublicSSH().equals(parsePublicKey(pair.publicKey).blob)).toBe(true);
      expect(parsePublicKey(pair.publicKey).comment).toBe(length ? "c".repeat(length) : undefined);
    }
  });

  it("give their public half", async () => {
    const pair = generateKeyPair("me");
    expect(await publicKeyOf(pair.privateKey, "me")).toBe(pair.publicKey);
    await expect(publicKeyOf(pair.publicKey)).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
    await expect(publicKeyOf("nothing")).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
  });

  it("differ each time and refuse a comment that would add a line", () => {
    expect(generateKeyPair("a").publicKey).not.toBe(generateKeyPair("a").publicKey);
    expect(() => generateKeyPair("a\nssh-ed25519 AAAA")).toThrow(SshError);
  });
});

describe.skipIf(noKeygen)("compared with ssh-keygen", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "multicloud-keys-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("accepts our private keys", () => {
    const pair = generateKeyPair("our key");
    writeFileSync(join(folder, "ours"), pair.privateKey, { mode: 0o600 });
    expect(keygen("-y", "-f", join(folder, "ours")).trim()).toBe(pair.publicKey);
  });

  it.each(["ed25519", "ecdsa", "rsa"])("gives the same fingerprints of %s keys", (type) => {
    const file = join(folder, type);
    keygen("-q", "-t", type, "-N", "", "-C", "a comment", "-f", file);
    const line = readFileSync(`${file}.pub`, "utf8");
    expect(keygen("-l", "-f", file)).toContain(` ${fingerprint(line)} `);
    expect(keygen("-l", "-E", "md5", "-f", file)).toContain(` MD5:${md5Fingerprint(line)} `);
    expect(parsePublicKey(line)).toMatchObject({ comment: "a comment" });
    expect(parsePublicKey(parsePublicKey(line).line).blob).toEqual(parsePublicKey(line).blob);
  });
});

describe("parsePublicKey", () => {
  it("refuses what is no key with an error of this package, and never crashes", () => {
    const { publicKey } = generateKeyPair("");
    const [, base64 = ""] = publicKey.split(" ");
    for (const line of [
      "",
      "ssh-ed25519",
      `ssh-rsa ${base64}`,
      `${publicKey}\n${publicKey}`,
      "ssh-ed25519 AAAAC3Nz",
    ]) {
      expect(() => parsePublicKey(line)).toThrow(SshError);
    }
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.uint8Array().map((bytes) => `x ${Buffer.from(bytes).toString("base64")}`),
        ),
        (line) => {
          try {
            parsePublicKey(line);
          } catch (error) {
            expect(SshError.isInstance(error)).toBe(true);
          }
        },
      ),
    );
  });

  it("hashes the key, not the comment", () => {
    const { publicKey } = generateKeyPair("one");
    const { blob, line } = parsePublicKey(publicKey);
    const expected = createHash("sha256").update(blob).digest("base64").replace(/=+$/, "");
    expect(fingerprint(`${line} two`)).toBe(`SHA256:${expected}`);
    expect(md5Fingerprint(line)).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
  });
});

describe("shellQuote", () => {
  it("survives a real shell, whatever the words hold", () => {
    const word = fc.string({
      unit: fc.constantFrom("'", '"', "$", "`", "\\", " ", "\n", "*", "a", "-", "!", "~", "ü", ";"),
    });
    const words = fc.sample(word, 300);
    const script = `for word in ${words.map(shellQuote).join(" ")}; do printf '%s\\0' "$word"; done`;
    expect(execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1)).toEqual(words);
    expect(() => shellQuote("a\0b")).toThrow(SshError);
  });
});

describe("SshError", () => {
  it("is recognised across copies of the package", () => {
    const foreign = Object.assign(new Error("x"), { [Symbol.for("multicloud.ssh.error")]: true });
    expect(SshError.isInstance(foreign)).toBe(true);
    expect(SshError.isInstance(new Error("x"))).toBe(false);
    expect(SshError.isInstance(undefined)).toBe(false);
  });
});
