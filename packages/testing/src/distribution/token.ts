import type { VirtualMachine } from "../world/machines.js";
import type { ConfigFile } from "./config-file.js";
import type { DistributionCluster } from "./distribution-cluster.js";
import { StartFailure } from "./start-failure.js";

/** A token: the shared secret, with the hash of the CA that it is for when it is one in full form. */
export interface Token {
  readonly secret: string;
  readonly caHash?: string;
}

/** The token of a configuration; `undefined` when it names none. */
export function readToken(machine: VirtualMachine, config: ConfigFile): Token | undefined {
  const file = config.text("token-file");
  let text = config.text("token");
  if (text === undefined && file !== undefined) {
    text = machine.files.read(file)?.trim();
    if (text === undefined) throw new StartFailure(`open ${file}: no such file or directory`);
  }
  if (!text) return undefined;
  if (!text.startsWith("K10")) return { secret: text };
  const match = /^K10([0-9a-f]{64})::(?:[^:]+:)?(.+)$/.exec(text);
  if (!match)
    throw new StartFailure(
      "failed to normalize token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>",
    );
  return { caHash: match[1] ?? "", secret: match[2] ?? "" };
}

/** Throws what a joining program says when its token is not for a cluster. */
export function checkToken(token: Token | undefined, cluster: DistributionCluster): void {
  if (!token) throw new StartFailure("--token is required");
  if (token.caHash !== undefined && token.caHash !== cluster.caHash)
    throw new StartFailure(
      `token CA hash does not match the Cluster CA certificate hash: ${token.caHash} != ${cluster.caHash}`,
    );
  if (token.secret !== cluster.secret)
    throw new StartFailure(
      "failed to validate token: https://127.0.0.1/v1-cacerts: 401 Unauthorized: not authorized",
    );
}
