import { createHash } from "node:crypto";
import type { Route } from "../world/http-service.js";
import { empty, fault } from "./answers.js";
import { object, oneOf, text } from "./fields.js";
import { isAtLeast } from "./microversion.js";
import { judgeBody, type NovaCall, type NovaSetting, novaPage, novaRoute } from "./nova-call.js";
import type { KeypairRecord } from "./records.js";

/** Key pairs. They are the user's, not the project's. */
export function keypairRoutes(setting: NovaSetting): Route[] {
  const { state } = setting;
  const keyOf = (call: NovaCall, name: string) => `${call.caller.id}/${name}`;
  const effect = (action: "create" | "delete", name: string) =>
    state.world.effects.record({ service: `${state.name}/nova`, kind: "keypair", action, name });

  const find = (call: NovaCall): KeypairRecord => {
    const name = call.params.name!;
    const keypair = state.keypairs.get(keyOf(call, name));
    if (keypair) return keypair;
    throw fault(404, `Keypair ${name} not found for user ${call.caller.id}`);
  };

  return [
    novaRoute(setting, "GET", "/os-keypairs", (call) => {
      const all = [...state.keypairs.values()].filter((keypair) => keypair.user === call.caller);
      const page = isAtLeast(call.version, "2.35")
        ? novaPage(call, state, "keypairs", "/os-keypairs", all, (keypair) => keypair.name)
        : { items: all, links: {} };
      return {
        status: 200,
        body: { keypairs: page.items.map((keypair) => ({ keypair: view(call, keypair) })), ...page.links },
      };
    }),
    novaRoute(setting, "GET", "/os-keypairs/:name", (call) => ({
      status: 200,
      body: { keypair: { ...view(call, find(call)), user_id: call.caller.id, deleted: false, id: 1 } },
    })),
    novaRoute(setting, "POST", "/os-keypairs", async (call) => {
      const fields = {
        name: text({ min: 1, max: 255 }),
        public_key: text(),
        ...(isAtLeast(call.version, "2.2") ? { type: oneOf(["ssh", "x509"]) } : {}),
        ...(isAtLeast(call.version, "2.10") ? { user_id: text() } : {}),
      };
      judgeBody(call.body, object({ keypair: object(fields, ["name"]) }, ["keypair"]));
      const given = (call.body as { keypair: { name: string; public_key?: string } }).keypair;
      if (!/^[A-Za-z0-9 _@.-]+$/.test(given.name)) {
        throw fault(400, "Keypair data is invalid: Keypair name contains unsafe characters");
      }
      if (given.public_key === undefined) {
        throw fault(400, "the emulator imports public keys only");
      }
      const fingerprint = fingerprintOf(given.public_key);
      if (fingerprint === undefined) {
        throw fault(400, "Keypair data is invalid: failed to generate fingerprint");
      }
      if (state.keypairs.has(keyOf(call, given.name))) {
        throw fault(409, `Key pair '${given.name}' already exists.`);
      }
      const owned = [...state.keypairs.values()].filter((keypair) => keypair.user === call.caller);
      if (call.caller.project.quotas.keyPairs >= 0 && owned.length >= call.caller.project.quotas.keyPairs) {
        throw fault(403, "Quota exceeded, too many key pairs.");
      }
      const keypair = {
        user: call.caller,
        name: given.name,
        publicKey: given.public_key,
        fingerprint,
      };
      state.keypairs.set(keyOf(call, given.name), keypair);
      await effect("create", given.name);
      return {
        status: isAtLeast(call.version, "2.2") ? 201 : 200,
        body: { keypair: { ...view(call, keypair), user_id: call.caller.id } },
      };
    }),
    novaRoute(setting, "DELETE", "/os-keypairs/:name", async (call) => {
      const { name } = find(call);
      state.keypairs.delete(keyOf(call, name));
      await effect("delete", name);
      return empty(isAtLeast(call.version, "2.2") ? 204 : 202);
    }),
  ];
}

function view(call: NovaCall, keypair: KeypairRecord): object {
  return {
    name: keypair.name,
    public_key: keypair.publicKey,
    fingerprint: keypair.fingerprint,
    ...(isAtLeast(call.version, "2.2") ? { type: "ssh" } : {}),
  };
}

/** MD5 over the key (RFC 4716 §4), as Nova shows it; `undefined` when it is no OpenSSH public key. */
function fingerprintOf(publicKey: string): string | undefined {
  const [type = "", body = ""] = publicKey.trim().split(/\s+/);
  const blob = Buffer.from(body, "base64");
  if (blob.length < 8 || blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1") !== type)
    return undefined;
  return createHash("md5").update(blob).digest("hex").match(/../g)!.join(":");
}
