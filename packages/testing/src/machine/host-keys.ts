import { createHash } from "node:crypto";
import ssh2 from "ssh2";
import { generateKeyPair, type KeyPair } from "../world/key-pair.js";
import type { Disk } from "./disk.js";

const { generateKeyPairSync, parseKey } = ssh2.utils;

/** Puts one half of a host key where the SSH server looks for it. */
export function writeHostKey(disk: Disk, type: string, half: "private" | "public", content: string): void {
  const path = `/etc/ssh/ssh_host_${type}_key${half === "public" ? ".pub" : ""}`;
  disk.write(path, Buffer.from(`${content.trim()}\n`));
  disk.setMode(path, half === "public" ? 0o644 : 0o600);
}

/** Makes fresh host keys. RSA keys have 2048 bits here: they are made in this process. */
export async function generateHostKeys(
  disk: Disk,
  types: readonly string[],
  hostname: string,
): Promise<void> {
  for (const type of types) {
    if (type === "dsa") continue;
    const comment = `root@${hostname}`;
    const { privateKey, publicKey } = makeHostKey(type, comment);
    writeHostKey(disk, type, "private", privateKey);
    writeHostKey(disk, type, "public", publicKey);
  }
}

function makeHostKey(type: string, comment: string): KeyPair {
  if (type !== "rsa" && type !== "ecdsa") return generateKeyPair(comment);
  const pair =
    type === "rsa"
      ? generateKeyPairSync("rsa", { bits: 2048, comment })
      : generateKeyPairSync("ecdsa", { bits: 256, comment });
  return { privateKey: pair.private, publicKey: pair.public };
}

/** Stores private keys that a machine brings along, with their public halves. */
export function installHostKeys(disk: Disk, privateKeys: readonly string[]): void {
  for (const text of privateKeys) {
    const parsed = parseKey(text);
    if (parsed instanceof Error) throw parsed;
    const key = Array.isArray(parsed) ? parsed[0] : parsed;
    const type = key.type === "ssh-rsa" ? "rsa" : key.type.startsWith("ecdsa") ? "ecdsa" : "ed25519";
    writeHostKey(disk, type, "private", text);
    writeHostKey(disk, type, "public", `${key.type} ${key.getPublicSSH().toString("base64")}`);
  }
}

/** Private host keys on the disk that the SSH server can use, ed25519 first. */
export function readHostKeys(disk: Disk): string[] {
  return ["ed25519", "ecdsa", "rsa"].flatMap((type) => {
    const inode = disk.find(`/etc/ssh/ssh_host_${type}_key`);
    if (!inode) return [];
    const text = Buffer.from(inode.content).toString("utf8");
    // As sshd: a key that others can read, or that is none, is not loaded.
    return (inode.mode & 0o077) === 0 && !(parseKey(text) instanceof Error) ? [text] : [];
  });
}

/** The key of somebody else, for the impostor fault. The same for a name each time. */
export function strangerKey(): string {
  return generateKeyPair("stranger").privateKey;
}

/** What tells host keys apart without showing them. */
export function hostKeyDigest(disk: Disk): string {
  return createHash("sha256").update(readHostKeys(disk).join("\n")).digest("hex");
}
