import { readFileSync } from "node:fs";
import { connect, type SshHost } from "@multicloud/ssh";

/** The hosts that `with-hosts.sh` has started around this process. */
export interface RealHosts {
  readonly addresses: readonly string[];
  readonly user: string;
  readonly privateKeyFile: string;
  readonly privateKey: string;
  /** The host key they all have, in OpenSSH's one-line form. */
  readonly hostKey: string;
  /** Opens a verified connection to one of them. */
  connect(address: string): Promise<SshHost>;
}

/** Reads what `with-hosts.sh` left in the environment; throws when this process was not started by it. */
export function realHosts(): RealHosts {
  const {
    MULTICLOUD_HOSTS: addresses,
    MULTICLOUD_HOSTS_USER: user,
    MULTICLOUD_HOSTS_KEY: privateKeyFile,
  } = process.env;
  const hostKey = process.env.MULTICLOUD_HOSTS_HOST_KEY;
  if (!addresses || !user || !privateKeyFile || !hostKey) {
    throw new Error(
      "no real hosts here: run it through packages/testing/hosts/with-hosts.sh, for example `npm run test:hosts`",
    );
  }
  const privateKey = readFileSync(privateKeyFile, "utf8");
  return {
    addresses: addresses.split(" "),
    user,
    privateKeyFile,
    privateKey,
    hostKey,
    connect: (host) => connect({ host, user, privateKey, hostKeys: [hostKey], connectTimeoutMs: 120_000 }),
  };
}
