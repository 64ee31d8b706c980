import dns from "node:dns";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { askSource } from "../src/agent/ask-source.js";
import { systemClock } from "../src/agent/clock.js";
import { findAddresses } from "../src/agent/find-addresses.js";
import { readOwnNode } from "../src/agent/own-node.js";
import { cloud, home, type Lab, openLab, stand } from "./lab.js";

const { signal } = new AbortController();

describe("a node's own object", () => {
  const addressesOf = async (annotation: string | undefined, ...external: readonly string[]) => {
    const body = {
      metadata: {
        uid: "1",
        ...(annotation === undefined
          ? {}
          : { annotations: { "multicloud.entrypoint/public-address": annotation } }),
      },
      status: {
        addresses: [
          { type: "InternalIP", address: "10.0.0.1" },
          { type: "Hostname", address: "home-1" },
          ...external.map((address) => ({ type: "ExternalIP", address })),
        ],
      },
    };
    const kubernetes = { call: async () => ({ status: 200, body }) };
    return (await readOwnNode(kubernetes, "home-1", signal)).addresses;
  };

  it.each([
    ["one", "198.51.100.7", ["198.51.100.7"]],
    [
      "several, with commas",
      "198.51.100.7, 2001:db8::7,198.51.100.8",
      ["198.51.100.7", "2001:db8::7", "198.51.100.8"],
    ],
    ["good ones beside a bad one", "nonsense,198.51.100.7,", ["198.51.100.7"]],
    ["an IPv6 address that is written at length", "2001:0DB8:0:0:0:0:0:7", ["2001:db8::7"]],
  ])("is annotated with %s: that holds, whatever the cloud says", async (_, annotation, addresses) => {
    expect(await addressesOf(annotation, "192.0.2.5")).toEqual(addresses);
  });

  it.each([
    ["without an annotation", undefined],
    ["with an empty one", ""],
    ["with one that is no address", "198.51.100.300"],
    ["with a name", "home.example.com"],
  ])("%s: the ExternalIPs hold, and never the InternalIP", async (_, annotation) => {
    expect(await addressesOf(annotation, "192.0.2.5", "2001:DB8::5")).toEqual(["192.0.2.5", "2001:db8::5"]);
    expect(await addressesOf(annotation)).toEqual([]);
  });
});

describe("an agent", () => {
  let lab: Lab;
  afterEach(() => lab.close());
  const given = "192.0.2.10";
  const annotation = "192.0.2.20";
  const externalIp = "192.0.2.30";
  const says = (name: string) => lab.observationOf(name)?.addresses;

  it("takes what the options say before the annotation, that before the ExternalIP, that before outside sources", async () => {
    lab = await openLab({
      plan: [
        ["a-1", "a", "203.0.113.10"],
        ["b-1", "b", "203.0.113.20"],
        ["c-1", "c", "203.0.113.30"],
        ["d-1", "d", "203.0.113.40"],
      ],
      options: { addresses: { a: [given] } },
      objects: {
        "a-1": { annotation, externalIp },
        "b-1": { annotation, externalIp },
        "c-1": { externalIp },
      },
      record: [given],
    });
    // Nobody outside is asked for what is known.
    for (const name of ["a-1", "b-1", "c-1"]) lab.node(name).outside = "blackhole";
    await lab.ready();
    expect(["a-1", "b-1", "c-1", "d-1"].map(says)).toEqual([
      [given],
      [annotation],
      [externalIp],
      ["203.0.113.40"],
    ]);
    // And it is through these that the cluster is entered.
    lab.dead.add(given);
    await lab.time.until("the record to leave a", () => lab.record().join() === annotation, 10_000);
    lab.dead.add(annotation);
    await lab.time.until("the record to leave b", () => lab.record().join() === externalIp, 10_000);
  });

  it("knows an IPv6 address again that somebody wrote at length: it is one address, and it is right already", async () => {
    lab = await openLab({
      plan: [
        ["a-1", "a", home],
        ["b-1", "b", cloud],
        ["c-1", "c", stand],
      ],
      options: { policy: "all-healthy", addresses: { b: ["2001:0DB8::00B"] } },
      entries: { c: ["2001:0DB8::00C"] },
      objects: {
        "a-1": { annotation: "2001:0DB8:0:0:0:0:0:A" },
        "c-1": { externalIp: "2001:0DB8:0::C" },
      },
      record: ["2001:db8::a", "2001:db8::b", "2001:db8::c"],
    });
    await lab.ready();
    await lab.time.pass(10_000);
    expect(lab.dnsWrites()).toBe(0);
    const [leader = ""] = lab.leaders();
    const metrics = lab.node(leader).agent.metrics.text();
    expect(metrics.match(/^entrypoint_record_address.*$/gm)).toEqual([
      'entrypoint_record_address{address="2001:db8::a"} 1',
      'entrypoint_record_address{address="2001:db8::b"} 1',
      'entrypoint_record_address{address="2001:db8::c"} 1',
    ]);
  });

  it.each([
    [["digitalocean", "home", "ramnode"], stand],
    [["home", "ramnode", "digitalocean"], cloud],
    // Sites that are not named follow by name.
    [["home"], stand],
    [["ramnode"], cloud],
  ])("prefers %j: the record goes there", async (prefer, next) => {
    lab = await openLab({ options: { prefer } });
    await lab.ready();
    lab.dead.add(home);
    await lab.time.until("the record to leave home", () => !lab.record().includes(home), 10_000);
    expect(lab.record()).toEqual([next]);
  });
});

describe("outside sources", () => {
  const servers: Server[] = [];
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  /** Listens on an address of this machine; undefined when it has none of that family. */
  async function serve(
    host: string,
    port: number,
    answer: string,
    status = 200,
  ): Promise<number | undefined> {
    const server = createServer((_, response) => response.writeHead(status).end(answer));
    const up = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, host, () => resolve(true));
    });
    if (!up) return undefined;
    servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** Makes every name resolve to both loopbacks, IPv6 first, as `getaddrinfo` would. */
  function resolveToBoth(): void {
    const both = [
      { address: "::1", family: 6 },
      { address: "127.0.0.1", family: 4 },
    ];
    type Done = (error: null, found: unknown, family?: number) => void;
    const lookup = (_: string, { family, all }: dns.LookupOptions, done: Done) => {
      const found = both.filter((each) => !family || each.family === family);
      if (all) done(null, found);
      else done(null, found[0]?.address, found[0]?.family);
    };
    vi.spyOn(dns, "lookup").mockImplementation(lookup as never);
  }

  it("are asked over IPv4 and over IPv6 separately, by one name", async ({ skip }) => {
    const port = (await serve("127.0.0.1", 0, "203.0.113.7\n")) ?? 0;
    if ((await serve("::1", port, "2001:db8::7\n")) === undefined) skip("this machine has no IPv6");
    resolveToBoth();
    const sources = ["one", "two"].map((name) => `http://${name}.example:${port}/`);
    expect(await askSource(sources[0]!, 4, signal)).toBe("203.0.113.7\n");
    expect(await askSource(sources[0]!, 6, signal)).toBe("2001:db8::7\n");
    expect(await findAddresses(systemClock, sources, askSource, signal)).toEqual([
      "203.0.113.7",
      "2001:db8::7",
    ]);
  });

  it("without a way over one family do not hinder the other", async () => {
    const port = await serve("127.0.0.1", 0, "203.0.113.7\n");
    resolveToBoth();
    const sources = ["one", "two"].map((name) => `http://${name}.example:${port}/`);
    expect(await findAddresses(systemClock, sources, askSource, signal)).toEqual(["203.0.113.7"]);
  });

  it("that fail are not believed, and one that never stops talking is cut off", async () => {
    const failing = await serve("127.0.0.1", 0, "203.0.113.7\n", 502);
    await expect(askSource(`http://127.0.0.1:${failing}/`, 4, signal)).rejects.toThrow("answered 502");
    const server = createServer((_, response) => {
      const more = () => {
        while (response.write("x".repeat(1_024)));
      };
      response.on("drain", more);
      more();
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const text = await askSource(`http://127.0.0.1:${port}/`, 4, signal);
    expect(text.length).toBeLessThan(1_048_576);
  });
});
