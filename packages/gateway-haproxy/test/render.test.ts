import fc from "fast-check";
import { expect, test } from "vitest";
import { parseProxyConfig } from "../../testing/src/haproxy/config.js";
import { type RenderInput, readHead, renderConfig } from "../src/render.js";
import { parseStats } from "../src/stats.js";
import { anyInput } from "./any-input.js";

const input: RenderInput = {
  cluster: "lab",
  site: "home",
  workers: [
    { name: "lab-home-worker-2", address: "192.168.1.12" },
    { name: "lab-home-worker-1", address: "192.168.1.11" },
  ],
  workerPorts: { http: 80, https: 443 },
  proxyProtocol: false,
  statsPort: 8404,
  idleSeconds: 3600,
  ipv6: false,
};

test("passes each port to each node, and nothing else to the outside", () => {
  fc.assert(
    fc.property(anyInput, (given) => {
      const sections = parseProxyConfig(renderConfig(given).text, "haproxy.cfg");
      const backend = (name: string) => sections.find((one) => one.name === name);
      for (const [name, port] of [
        ["http", given.workerPorts.http],
        ["https", given.workerPorts.https],
      ] as const) {
        const servers = given.workers.map(({ name: node, address: host }) => ({
          name: node,
          host,
          port,
          sendProxy: given.proxyProtocol,
        }));
        const found = backend(`${name}-nodes`)?.servers ?? [];
        expect(found).toHaveLength(servers.length);
        expect(found).toEqual(expect.arrayContaining(servers));
      }
      expect(backend("api-nodes")?.servers.length).toBe(given.masters?.length);
      const outside = sections.flatMap(({ binds }) => binds).filter(({ host }) => host !== "127.0.0.1");
      const ports = new Set(outside.map(({ port }) => port));
      expect(ports).toEqual(new Set(given.masters ? [80, 443, 6443] : [80, 443]));
    }),
  );
});

test("the order of nodes does not matter, any change of the input does", () => {
  const { text, digest } = renderConfig(input);
  expect(renderConfig({ ...input, workers: [...input.workers].reverse() })).toEqual({ text, digest });
  const changed: Partial<RenderInput>[] = [
    { workers: input.workers.slice(1) },
    { masters: [] },
    { proxyProtocol: true },
    { statsPort: 9000 },
    { idleSeconds: 60 },
    { ipv6: true },
    { site: "elsewhere" },
    { workerPorts: { http: 30080, https: 443 } },
  ];
  const digests = changed.map((change) => renderConfig({ ...input, ...change }).digest);
  expect(new Set([digest, ...digests]).size).toBe(changed.length + 1);
});

test("knows its own files, and when somebody has changed one", () => {
  const { text, digest } = renderConfig(input);
  expect(readHead(text)).toEqual({ cluster: "lab", site: "home", digest, intact: true });
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 3 }), (at, more) => {
      const head = readHead(text.slice(0, at) + more + text.slice(at));
      expect(head === undefined || !head.intact).toBe(true);
    }),
  );
  expect(readHead(text.replace("8404", "8405"))).toMatchObject({ digest, intact: false });
  expect(readHead("global\n    daemon\n")).toBeUndefined();
});

test("reads from the statistics what runs and who is healthy", () => {
  const csv = `# pxname,svname,qcur,status,
http,FRONTEND,,OPEN,
https-nodes,lab-home-worker-2,0,DOWN,
https-nodes,lab-home-worker-1,0,UP 1/2,
https-nodes,BACKEND,0,UP,
multicloud-0123456789abcdef,FRONTEND,,OPEN,
`;
  expect(parseStats(csv)).toEqual({
    digest: "0123456789abcdef",
    backends: [
      { node: "lab-home-worker-1", healthy: true },
      { node: "lab-home-worker-2", healthy: false },
    ],
  });
  expect(parseStats("<html>some other page</html>")).toBeUndefined();
});
