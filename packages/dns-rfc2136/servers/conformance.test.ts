import { randomBytes } from "node:crypto";
import { describeEntrypoint, type EntrypointHarness } from "@multicloud/testing/conformance";
import type { Rfc2136Options } from "../src/index.js";
import { openServer } from "../src/server.js";
import { bundledPlugin } from "../test/bundled-plugin.js";
import { callContext } from "../test/name-server.js";
import { startNameServer } from "./name-servers.js";
import { startRelay } from "./relay.js";

/** Each case has a server of its own, at a port of its own: the former one may still be on its way out. */
let lastPort = 5400;

async function openHarness(kind: "bind" | "knot"): Promise<EntrypointHarness> {
  lastPort += 1;
  const server = await startNameServer(kind, lastPort);
  const relay = await startRelay(server.port);
  const { name, secret } = server.keys.update;
  const wrong = randomBytes(32).toString("base64");
  const zone = "example.com";
  const open = (record: string, secret: string) =>
    bundledPlugin({
      server: server.host,
      port: relay.port,
      zone,
      record,
      key: { name, secret },
    } satisfies Rfc2136Options);
  return {
    entrypoint: (record) => open(record, secret),
    dialer: callContext().dialer,
    lookUp: async (host) => [...(await server.dig(host, "A")), ...(await server.dig(host, "AAAA"))],
    things: async () =>
      (await server.records(zone)).map(([owner, ttl, type, data]) => ({
        kind: type,
        name: owner,
        state: `${ttl} ${data}`,
      })),
    writes: async () => Number(await server.serial()),
    secrets: [secret, wrong],
    onWrite: relay.onUpdate,
    cutWrite: relay.cutUpdate,
    outage() {
      relay.setAway(true);
      return () => relay.setAway(false);
    },
    async makeForeign(host, address) {
      const direct = openServer(callContext(), {
        host: server.host,
        port: server.port,
        zone,
        timeoutMs: 5_000,
        key: { name, algorithm: "hmac-sha256", secret: Buffer.from(secret, "base64") },
      });
      const byHand = { name: host, type: "A", class: "IN", ttl: 60, data: address } as const;
      const { outcome } = await direct.update("by hand", [], [byHand]);
      direct.close();
      if (outcome !== "done") throw new Error(`the change by hand is ${outcome}`);
    },
    wrongCredentials: (record) => open(record, wrong),
    wildcard: true,
    together: true,
    async close() {
      await relay.close();
      await server.close();
    },
  };
}

describeEntrypoint({ name: "rfc2136 on BIND", create: () => openHarness("bind") });
describeEntrypoint({ name: "rfc2136 on Knot", create: () => openHarness("knot") });
