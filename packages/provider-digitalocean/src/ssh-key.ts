import { createHash } from "node:crypto";
import { MulticloudError, type SiteContext } from "@multicloud/core/plugin";
import type { Client } from "./client.js";
import { findOrCreate } from "./ensure.js";
import { fingerprintOfKeyTag, isKeyOfCluster, isKeyOfOurs, isTagOf, keyName, keyTag } from "./marks.js";
import { ensureTag, listTags } from "./tags.js";
import type { WireSshKey } from "./wire.js";

/**
 * MD5 fingerprint of an OpenSSH public key in colon form, as DigitalOcean identifies keys (RFC 4716 §4).
 * Throws `CONFIG_INVALID` for what is no public key.
 */
function fingerprintOf(publicKey: string): string {
  const [type, encoded] = publicKey.trim().split(/\s+/);
  const blob = Buffer.from(encoded ?? "", "base64");
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  if (!type || length === 0 || blob.subarray(4, 4 + length).toString("latin1") !== type) {
    throw new MulticloudError("the SSH public key is not in OpenSSH's one-line form", {
      code: "CONFIG_INVALID",
      hint: "it looks like `ssh-ed25519 AAAA… comment`",
    });
  }
  return createHash("md5").update(blob).digest("hex").match(/../g)!.join(":");
}

/**
 * The account knows a key once, under one name, so sites and people may share it. Each site says by a tag
 * that it uses a key, before it makes one; a key under a name that is not ours is used and never deleted.
 *
 * @returns the fingerprint.
 */
export async function ensureSshKey(client: Client, context: SiteContext, publicKey: string): Promise<string> {
  const fingerprint = fingerprintOf(publicKey);
  const tag = keyTag(context, fingerprint);
  await ensureTag(client, context, tag, async () => {
    await releaseSshKeys(client, context, fingerprint);
  });
  await findOrCreate(
    context,
    async () =>
      (await client.find<{ ssh_key: WireSshKey }>(context, `/v2/account/keys/${fingerprint}`))?.ssh_key,
    async () =>
      (
        await client.post<{ ssh_key: WireSshKey }>(context, "/v2/account/keys", {
          name: keyName(context),
          public_key: publicKey.trim(),
        })
      ).ssh_key,
  );
  return fingerprint;
}

/** The fingerprint of the key that the site said it uses; for a process that did not make it. */
export async function findSshKey(client: Client, context: SiteContext): Promise<string | undefined> {
  const tags = await listTags(client, context);
  return tags
    .filter((tag) => isTagOf(context, tag))
    .map(fingerprintOfKeyTag)
    .find(Boolean);
}

/**
 * Stops using all keys but `except`, and deletes those that some site of ours made and none uses any more.
 * Tags go first: of two sites that leave at once, the later one sees that it is the last.
 */
export async function releaseSshKeys(client: Client, context: SiteContext, except?: string): Promise<void> {
  const released = new Set<string>();
  for (const tag of await listTags(client, context)) {
    const fingerprint = isTagOf(context, tag) ? fingerprintOfKeyTag(tag) : undefined;
    if (fingerprint === undefined || fingerprint === except) continue;
    await client.delete(context, `/v2/tags/${encodeURIComponent(tag)}`);
    released.add(fingerprint);
  }
  if (except !== undefined && released.size === 0) return;
  const used = new Set((await listTags(client, context)).map(fingerprintOfKeyTag));
  const keys = await client.all<WireSshKey, "id">(context, "/v2/account/keys", "ssh_keys", "id");
  for (const key of keys) {
    // Keys of this cluster are looked at whether released now or not: an earlier run may have ended in between.
    const ours =
      isKeyOfCluster(context, key.name) || (released.has(key.fingerprint) && isKeyOfOurs(key.name));
    if (!ours || used.has(key.fingerprint) || key.fingerprint === except) continue;
    await client.delete(context, `/v2/account/keys/${key.id}`);
  }
}
