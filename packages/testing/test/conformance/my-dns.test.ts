import { describeEntrypoint } from "@multicloud/testing/conformance";
import { myDns, type Zone } from "./my-dns.js";

// The example of docs/guides/write-your-own-engine-or-overlay.md.
describeEntrypoint({
  name: "my-dns",
  async create() {
    const zone: Zone = new Map();
    let writes = 0;
    const counted = new Proxy(zone, {
      get(target, key) {
        if (key === "set" || key === "delete") writes += 1;
        const member: unknown = Reflect.get(target, key);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    const addresses = (name: string) => zone.get(name) ?? [];
    return {
      entrypoint: (record) => myDns(counted, `${record}.example.com`),
      lookUp: (name) => addresses(name).map(({ address }) => address),
      things: () => [...zone].map(([name, has]) => ({ kind: "name", name, state: JSON.stringify(has) })),
      writes: () => writes,
      secrets: ["my-api-token"],
      makeForeign: (name, address) => {
        zone.set(name, [...addresses(name), { address, mark: "" }]);
      },
      close: async () => {},
    };
  },
  cannot: {
    onWrite: "a Map changes at once",
    cutWrite: "a Map has no connection",
    outage: "a Map is always there",
    wrongCredentials: "a Map asks for none",
    wildcard: "a Map knows no wildcards",
    together: "there is no onWrite to see it",
    inCluster: "to be written",
  },
});
