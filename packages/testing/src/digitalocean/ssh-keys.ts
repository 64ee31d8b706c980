import { createHash } from "node:crypto";
import type { Route } from "../world/http-service.js";
import { readBody, text } from "./body.js";
import { notFound, refuse } from "./errors.js";
import { pageOf } from "./paging.js";
import { effect, type SshKey, type Store } from "./store.js";

/** SSH keys of the account. */
export function sshKeyRoutes(store: Store): readonly Route[] {
  const required = (key: string) => {
    const found = findKey(store, key);
    if (!found) throw notFound();
    return found;
  };
  return [
    {
      method: "GET",
      path: "/v2/account/keys",
      handle: (request) => pageOf(request, "ssh_keys", [...store.keys.values()].map(keyBody), store.pageSize),
    },
    {
      method: "POST",
      path: "/v2/account/keys",
      async handle({ body }) {
        const given = readBody(body, { name: text(), public_key: text() }, ["name", "public_key"]);
        const publicKey = String(given.public_key);
        const fingerprint = fingerprintOf(publicKey);
        if (!fingerprint) throw refuse(422, "Key invalid, key should be of the type `ssh-rsa` or similar");
        if (findKey(store, fingerprint)) throw refuse(422, "SSH Key is already in use on your account");
        const key = { id: store.nextId(), name: String(given.name), fingerprint, publicKey };
        store.keys.set(key.id, key);
        await effect(store, "key", "create", key.name);
        return { status: 201, body: { ssh_key: keyBody(key) } };
      },
    },
    {
      method: "GET",
      path: "/v2/account/keys/:key",
      handle: ({ params }) => ({ status: 200, body: { ssh_key: keyBody(required(params.key!)) } }),
    },
    {
      method: "DELETE",
      path: "/v2/account/keys/:key",
      async handle({ params }) {
        const key = required(params.key!);
        store.keys.delete(key.id);
        await effect(store, "key", "delete", key.name);
        return { status: 204 };
      },
    },
  ];
}

/** By id or fingerprint. */
export function findKey(store: Store, key: string | number): SshKey | undefined {
  return [...store.keys.values()].find(
    (known) => String(known.id) === String(key) || known.fingerprint === key,
  );
}

/** MD5 of the key blob in colon form; `undefined` for what is no OpenSSH public key (RFC 4253 §6.6). */
function fingerprintOf(publicKey: string): string | undefined {
  const [type, encoded] = publicKey.trim().split(/\s+/);
  if (!type || !encoded) return undefined;
  const blob = Buffer.from(encoded, "base64");
  if (blob.length < 4 || blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1") !== type)
    return undefined;
  return createHash("md5").update(blob).digest("hex").match(/../g)!.join(":");
}

function keyBody(key: SshKey) {
  return { id: key.id, fingerprint: key.fingerprint, public_key: key.publicKey, name: key.name };
}
