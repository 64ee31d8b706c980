export { type ConnectOptions, connect, type JumpOptions } from "./connect.js";
export type { Credentials } from "./connection/credentials.js";
export { directDialer } from "./dial/direct.js";
export { socks5Dialer } from "./dial/socks5.js";
export type { Dialer, DialOptions, DialTarget } from "./dialer.js";
export {
  activateHostKeys,
  activateHostKeysScript,
  prepareHostKeys,
  prepareHostKeysScript,
  type RotationOptions,
  type RotationScriptOptions,
} from "./host-key-rotation.js";
export { type JumpDialer, jumpDialer } from "./jump-dialer.js";
export { generateKeyPair, type KeyPair } from "./keys/key-pair.js";
export { fingerprint, md5Fingerprint, type PublicKey, parsePublicKey } from "./keys/public-key.js";
export { publicKeyOf } from "./keys/public-key-of.js";
export type { ExecOptions, ExecResult, ReadFileOptions, SshHost, WriteFileOptions } from "./remote-host.js";
export { shellQuote } from "./shell-quote.js";
export { SshError, type SshErrorCode, type SshErrorDetails, type SshHop } from "./ssh-error.js";
export { type SshAttempt, type WaitForSshOptions, waitForSsh } from "./wait-for-ssh.js";
