import { readFile } from "node:fs/promises";
import { SshError } from "../ssh-error.js";

/** How the user proves who they are; at least one. The key is tried before the agent. */
export interface Credentials {
  /** Private key as text (OpenSSH or PEM), without a passphrase. Secret. */
  readonly privateKey?: string;
  /** Path of a file with a private key; read at each connection. */
  readonly privateKeyFile?: string;
  /** Path of an SSH agent's Unix socket. */
  readonly agentSocket?: string;
}

/** One way to log in, as ssh2 takes it. */
export type AuthMethod =
  | { readonly type: "publickey"; readonly username: string; readonly key: string }
  | { readonly type: "agent"; readonly username: string; readonly agent: string };

/** The methods to try, in order. Throws `OPTIONS_INVALID` when there is none or the key cannot be used. */
export async function authMethods(credentials: Credentials, user: string): Promise<AuthMethod[]> {
  const methods: AuthMethod[] = [];
  const key = credentials.privateKey ?? (await readKeyFile(credentials.privateKeyFile));
  if (key !== undefined) {
    const origin = credentials.privateKey === undefined ? ` ${credentials.privateKeyFile}` : "";
    const { default: ssh2 } = await import("ssh2");
    const parsed = ssh2.utils.parseKey(key);
    // ssh2 says of an unusable key only that authentication failed, so it is looked at here.
    if (parsed instanceof Error || !(Array.isArray(parsed) ? parsed[0] : parsed)?.isPrivateKey()) {
      const detail = parsed instanceof Error ? parsed.message : "it is a public key";
      throw new SshError(`the private key${origin} cannot be used: ${detail}`, {
        code: "OPTIONS_INVALID",
        hint: "It must be an OpenSSH or PEM private key without a passphrase; for others use an agent.",
      });
    }
    methods.push({ type: "publickey", username: user, key });
  }
  if (credentials.agentSocket) {
    methods.push({ type: "agent", username: user, agent: credentials.agentSocket });
  }
  if (methods.length === 0) {
    throw new SshError(`no key to log in as ${user}`, {
      code: "OPTIONS_INVALID",
      hint: "Give privateKey, privateKeyFile or agentSocket.",
    });
  }
  return methods;
}

async function readKeyFile(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    throw new SshError(`the private key file ${path} cannot be read (${reason})`, {
      code: "OPTIONS_INVALID",
      reason,
      cause: error,
    });
  }
}
