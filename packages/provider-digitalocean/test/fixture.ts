import { generateKeyPairSync } from "node:crypto";
import type { MachineRequest, Report, SharedRequest, SiteContext } from "@multicloud/core/plugin";
import {
  createDigitalOcean,
  type DigitalOceanCloudOptions,
} from "../../testing/src/digitalocean/digitalocean-cloud.js";
import { type FakeWorld, fakeWorld } from "../../testing/test/fake-world.js";
import { type DigitalOceanOptions, digitalocean } from "../src/index.js";

/** An emulated account and a provider for it. */
export async function setUp(
  options: {
    readonly world?: FakeWorld;
    readonly cloud?: DigitalOceanCloudOptions;
    readonly provider?: Partial<DigitalOceanOptions>;
  } = {},
) {
  const world = options.world ?? fakeWorld();
  const cloud = await createDigitalOcean(world, options.cloud);
  const provider = (more: Partial<DigitalOceanOptions> = {}) =>
    digitalocean({
      region: "fra1",
      token: cloud.token,
      baseURL: cloud.url,
      ...options.provider,
      ...more,
    });
  const api = async <T = unknown>(method: string, path: string, body?: unknown) => {
    const response = await fetch(`${cloud.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${cloud.token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, data: (text ? JSON.parse(text) : undefined) as T };
  };
  const writes = () => cloud.calls.filter((call) => call.method !== "GET");
  return { world, cloud, provider, api, writes };
}

export function siteContext(
  site = "ocean",
  more: Partial<SiteContext> & { readonly reports?: Report[] } = {},
): SiteContext {
  return {
    cluster: "lab",
    site,
    signal: more.signal ?? new AbortController().signal,
    dialer: () => Promise.reject(new Error("no dialer in this test")),
    report: (report) => more.reports?.push(report),
    ...(more.cluster === undefined ? {} : { cluster: more.cluster }),
  };
}

/** A fresh Ed25519 public key in OpenSSH's form. */
export function publicKey(): string {
  const { publicKey: key } = generateKeyPairSync("ed25519");
  const raw = Buffer.from(key.export({ format: "jwk" }).x!, "base64url");
  const part = (data: Buffer | string) => {
    const bytes = Buffer.from(data);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return `ssh-ed25519 ${Buffer.concat([part("ssh-ed25519"), part(raw)]).toString("base64")} operator`;
}

export const shared = (sshPublicKey = publicKey()): SharedRequest => ({
  sshPublicKey,
  firewall: [
    { protocol: "tcp", port: 22 },
    { protocol: "tcp", port: 6443, sources: ["203.0.113.0/24"] },
    { protocol: "udp", port: 9993 },
  ],
});

export function request(name: string, more: Partial<MachineRequest> = {}): MachineRequest {
  return {
    name,
    role: "worker",
    size: "s-2vcpu-4gb",
    image: "debian-12-x64",
    spec: "abc123",
    userData: "#cloud-config\n",
    ...more,
  };
}

export const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `lab-ocean-${prefix}-${index + 1}`);

/** Waits for a condition on the emulator's side of the wire. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
