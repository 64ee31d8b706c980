import type { CallContext, Report } from "@multicloud/core/plugin";
import { type CloudflareDnsOptions, createCloudflare } from "../../testing/src/cloudflare/cloudflare-dns.js";
import { type FakeWorld, fakeWorld } from "../../testing/test/fake-world.js";
import { type CloudflareOptions, cloudflare } from "../src/index.js";

/** An emulated account and an entrypoint for it. */
export async function setUp(
  options: {
    readonly world?: FakeWorld;
    readonly dns?: CloudflareDnsOptions;
    readonly entrypoint?: Partial<CloudflareOptions>;
  } = {},
) {
  const world = options.world ?? fakeWorld();
  const dns = await createCloudflare(world, options.dns);
  const entrypoint = (more: Partial<CloudflareOptions> = {}) =>
    cloudflare({
      zone: "example.com",
      record: "*.apps",
      token: dns.token,
      baseURL: dns.url,
      ...options.entrypoint,
      ...more,
    });
  const writes = () => dns.calls.filter((call) => call.method !== "GET");
  const contents = () =>
    dns
      .list()
      .map((record) => `${record.name} ${record.type} ${record.content}`)
      .sort();
  return { world, dns, entrypoint, writes, contents };
}

export function callContext(
  more: { readonly cluster?: string; readonly signal?: AbortSignal; readonly reports?: Report[] } = {},
): CallContext {
  return {
    cluster: more.cluster ?? "lab",
    signal: more.signal ?? new AbortController().signal,
    dialer: () => Promise.reject(new Error("no dialer in this test")),
    report: (report) => more.reports?.push(report),
  };
}
