import { readFile } from "node:fs/promises";
import type { SshConfig } from "../config/config.js";
import type { StateStore } from "../contracts/state-store.js";
import { MulticloudError } from "../errors/multicloud-error.js";

/** The key with which the operator logs in to every machine. */
export interface OperatorKey {
  readonly privateKey: string;
  /** One line, with the cluster as its comment. */
  readonly publicKey: string;
  /** Where tools find the private key. */
  readonly privateKeyFile: string;
}

/** State key of the private key that the SDK makes. */
export const operatorKeyName = "operator-key";

/** The user's key, or the cluster's own: made once and kept in the state. Called when machines are to be reached, so that planning has no effect. */
export async function operatorKey(
  cluster: string,
  config: SshConfig | undefined,
  state: StateStore,
): Promise<OperatorKey> {
  const { generateKeyPair, publicKeyOf } = await import("@multicloud/ssh");
  const comment = `multicloud-${cluster}`;
  if (config?.privateKeyFile !== undefined) {
    const privateKey = await readFile(config.privateKeyFile, "utf8").catch((error) => {
      throw new MulticloudError(
        `cannot read the private key ${config.privateKeyFile}: ${(error as Error).message}`,
        {
          code: "CONFIG_INVALID",
          hint: "ssh.privateKeyFile must name a private key in OpenSSH's format; leave it out to have one made",
          cause: error,
        },
      );
    });
    return {
      privateKey,
      publicKey: await publicKeyOf(privateKey, comment),
      privateKeyFile: config.privateKeyFile,
    };
  }
  const kept = await state.read(operatorKeyName);
  const pair = kept === undefined ? await generateKeyPair(comment) : undefined;
  const privateKey = pair?.privateKey ?? Buffer.from(kept!).toString("utf8");
  if (pair) await state.write(operatorKeyName, privateKey);
  const privateKeyFile = state.path(operatorKeyName);
  if (privateKeyFile === undefined) {
    throw new MulticloudError(
      "the state store has no local files, so a private key file of your own is needed",
      {
        code: "CONFIG_INVALID",
        hint: "set ssh.privateKeyFile",
      },
    );
  }
  return { privateKey, publicKey: await publicKeyOf(privateKey, comment), privateKeyFile };
}
