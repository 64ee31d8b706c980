import { isIPv4 } from "node:net";
import type { EntrypointHarness } from "@multicloud/testing/conformance";
import { shortenWaits } from "../../testing/test/shorten-waits.js";
import { bundledPlugin } from "./bundled-plugin.js";
import { callContext, startNameServer } from "./name-server.js";

const key = { name: "multicloud", algorithm: "hmac-sha256" } as const;
const newSecret = (said: string) => Buffer.from(said).toString("base64");

/** A name server in this process with an empty zone, for the conformance suite. */
export async function openEntrypointHarness(): Promise<EntrypointHarness> {
  const [right, wrong] = [
    newSecret("the secret that the server knows"),
    newSecret("a secret that nobody knows here"),
  ];
  const server = await startNameServer({ ...key, secret: Buffer.from(right, "base64") });
  const open = (record: string, secret = right) => {
    const options = { server: "127.0.0.1", port: server.port, zone: "example.com", record, timeoutMs: 2_000 };
    return bundledPlugin({ ...options, key: { ...key, secret } });
  };
  let waitAsEver = () => {};
  return {
    entrypoint: (record) => open(record),
    dialer: callContext().dialer,
    lookUp: (name) => server.lookUp(name),
    things: () =>
      server
        .records()
        .map(({ name, type, ttl, data }) => ({ kind: `type ${type}`, name, state: `${ttl} ${data}` })),
    writes: () => server.counts.writes,
    secrets: [right, wrong],
    onWrite: (listener) => server.onChange(listener),
    cutWrite(when) {
      server.faults.cutUpdate = when;
    },
    outage() {
      server.faults.isAway = true;
      waitAsEver();
      waitAsEver = shortenWaits();
      return () => {
        waitAsEver();
        server.faults.isAway = false;
      };
    },
    makeForeign(name, address) {
      if (!isIPv4(address)) throw new Error(`${address} is no IPv4 address`);
      server.put(name, 1, Buffer.from(address.split(".").map(Number)));
    },
    wrongCredentials: (record) => open(record, wrong),
    wildcard: true,
    together: true,
    async close() {
      // A case that failed in between has not mended anything.
      waitAsEver();
      await server.close();
    },
  };
}
