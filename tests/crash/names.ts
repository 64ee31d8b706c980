import { createHash } from "node:crypto";
import type { VirtualMachine } from "@multicloud/testing";

/** Gives names to what a run makes up, so that two runs can be compared. */
export interface Names {
  replace(text: string): string;
  /** What stands for a file's content. Keys, certificates and times are new in each run: of those only who shares them with whom is kept. */
  content(path: string, content: string): string;
}

/** Files with content that no two runs have in common. */
const madeUp = [
  /^\/etc\/kubernetes\/ssl\//,
  /^\/etc\/ssh\/ssh_host_/,
  /^\/opt\/rke\//,
  /^\/var\/lib\/zerotier-one\/(authtoken\.secret|identity\.(public|secret))$/,
  /^state\/(engine\/.*|operator-key|kubeconfig|lock)$/,
];

/** Files that tell what happened when. */
const history = /^(\/run\/cloud-init\/status\.json$|\/var\/log\/)/;

const sshKey = /((?:ssh|ecdsa)-[a-z0-9-]+) AAAA[A-Za-z0-9+/=]+/g;
/** Of a host's key, in the state: which machine a gateway is on. */
const hostFingerprint = /SHA256:[A-Za-z0-9+/]{43}/g;
/** In HAProxy's configuration, of its text with the addresses. */
const gatewayDigest = /\b(multicloud(?:-| [a-z-]+\/[a-z-]+ ))[0-9a-f]{16}\b/g;
/** In the agents' settings and in the mark of their pods: where this sandbox's services listen. */
const loopback = /http:\/\/127\.0\.0\.1:\d+/g;
const programDigest = /("multicloud\.entrypoint\/program":")[0-9a-f]{16}"/g;
const revision = /("controller-revision-hash":")[0-9a-f]{10}"/g;
/** A token of this sandbox in a Secret: base64 of `sandbox_…`. */
const secretToken = /"c2FuZGJveF[A-Za-z0-9+/=]+"/g;
const podSuffix = /("name":"[a-z0-9-]+)-[0-9a-f]{5}"/;

export function createNames(machines: readonly VirtualMachine[]): Names {
  const given = new Map<string, string>();
  for (const machine of machines) {
    const { id, hostname, publicAddress, privateAddress } = machine.spec;
    given.set(id, `<id of ${hostname}>`);
    for (const address of machine.addresses()) given.set(address, `<overlay address of ${hostname}>`);
    if (publicAddress) given.set(publicAddress, `<public address of ${hostname}>`);
    if (privateAddress) given.set(privateAddress, `<private address of ${hostname}>`);
  }
  for (const [address, name] of [...given]) {
    if (/^[0-9.]+$/.test(address)) given.set(address.replaceAll(".", "-"), name);
  }
  const longestFirst = [...given].sort(([one], [other]) => other.length - one.length);

  function replace(text: string): string {
    let result = text
      .replace(sshKey, "$1 <key>")
      .replace(/:key:[0-9a-f]{32}\b/g, ":key:<fingerprint>")
      .replace(hostFingerprint, "<fingerprint>")
      .replace(gatewayDigest, "$1<digest>")
      .replace(loopback, "<a service>")
      .replace(programDigest, '$1<digest>"')
      .replace(revision, '$1<digest>"')
      .replace(secretToken, '"<a token>"');
    if (result.includes('"kind":"Pod"')) result = result.replace(podSuffix, '$1-<pod>"');
    for (const [from, to] of longestFirst) if (result.includes(from)) result = result.replaceAll(from, to);
    return result;
  }

  /** Different contents of one path in the order in which they are met. */
  const seen = new Map<string, string[]>();

  return {
    replace,
    content(path, content) {
      if (history.test(path)) return "";
      if (madeUp.some((pattern) => pattern.test(path))) {
        const others = seen.get(path) ?? [];
        seen.set(path, others);
        if (!others.includes(content)) others.push(content);
        return `content ${others.indexOf(content) + 1}`;
      }
      const text = replace(content);
      return text.length < 400 ? JSON.stringify(text) : createHash("sha256").update(text).digest("base64url");
    },
  };
}
