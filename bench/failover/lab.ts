import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cloudflare } from "@multicloud/dns-cloudflare";
import { agentSettings, entrypointAgentManifest, nodeFlags } from "@multicloud/entrypoint-agent";
import { createCloudflare, createWorld } from "@multicloud/testing";
import type { ApiServer } from "./api-server.js";
import { limitMemory, type MemoryLimit } from "./memory-limit.js";
import { apiAddress, dnsAddress, forward, makeNode, type NodeNetwork } from "./network.js";

/** One machine with its ingress and its agent, both processes of their own. */
export interface LabNode extends NodeNetwork {
  readonly name: string;
  readonly site: string;
  agent: ChildProcess | undefined;
  start(): void;
}

/** What the leases say. */
export interface View {
  readonly leader: string;
  /** Whether every agent sees every address alive and is calm. */
  readonly calm: boolean;
}

/** Five nodes on three sites, all with public addresses, and a record. */
export interface Lab {
  readonly nodes: readonly LabNode[];
  record(): readonly string[];
  /** Told with `performance.now()` of each change of the record. */
  onChange(listener: (at: number) => void): () => void;
  dnsWrites(): number;
  /** Events of switches that Kubernetes has. */
  events(): Promise<number>;
  view(): Promise<View>;
  /** Memory of the agents in KiB: resident now and at its highest, and the part that is not shared with other Node processes. */
  memory(): Promise<readonly { readonly rss: number; readonly own: number; readonly peak: number }[]>;
  /** The limit that all agents run under, in MiB, and how many of them the kernel killed for it; `undefined` when this machine cannot set one. */
  limited(): Promise<{ readonly mib: number; readonly kills: number } | undefined>;
  close(): Promise<void>;
}

const dist = (path: string) => fileURLToPath(new URL(`../../packages/${path}`, import.meta.url));
const entryPort = 443;
const sites = ["home", "home", "ramnode", "ramnode", "digitalocean"];

export async function openLab(
  server: ApiServer,
  name: string,
  index: number,
  directory: string,
  /** Node as the agents run it. */
  nodeProgram: string,
): Promise<Lab> {
  const namespace = `failover-${name}`;
  // Cloudflare takes about 150 ms for a call from Europe.
  const world = createWorld({ scale: 1, timing: { apiCallMs: 150 } });
  const dns = await createCloudflare(world);
  const dnsPort = 8_000 + index;
  const proxy = await forward(dnsAddress, dnsPort, Number(new URL(dns.url).port));
  const entrypoint = cloudflare({
    zone: "example.com",
    record: "*.apps",
    token: dns.token,
    baseURL: `http://${dnsAddress}:${dnsPort}/client/v4`,
  });

  const names = sites.map((site, at) => `${name}-${site}-${at + 1}`);
  const settings = {
    ...agentSettings(
      "failover",
      sites.map((site) => ({ site })),
      {
        entrypoint,
        namespace,
        // How long an address has to be good before it returns is no part of what is measured, but of how long that takes.
        timing: { returnMs: 200 },
      },
    ),
  };
  const program = await readFile(dist("entrypoint-agent/dist/agent.js"), "utf8");
  const dnsProgram = await readFile(dist("dns-cloudflare/dist/in-cluster.js"), "utf8");
  const secrets = { token: dns.token };
  await server.api.apply(
    names.map((each, at) => ({
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name: each,
        labels: { "topology.kubernetes.io/region": sites[at] ?? "" },
        annotations: { "multicloud.entrypoint/public-address": `10.78.${index + 1}.${at + 1}` },
      },
    })),
  );
  const objects = entrypointAgentManifest({
    settings,
    program,
    dnsProgram,
    secrets,
    image: "node:22-alpine",
  });
  await server.api.apply(objects);
  const limitMib = Number(/"limits":\{"memory":"(\d+)Mi"/.exec(JSON.stringify(objects))?.[1]);
  if (Number.isNaN(limitMib)) throw new Error("the DaemonSet has no memory limit");
  const home = join(directory, name);
  for (const part of ["program", "credentials", "secrets", "logs"])
    await mkdir(join(home, part), { recursive: true });
  await Promise.all([
    writeFile(join(home, "program/agent.mjs"), program),
    writeFile(join(home, "program/dns.mjs"), dnsProgram),
    writeFile(join(home, "program/settings.json"), JSON.stringify(settings)),
    writeFile(join(home, "credentials/token"), await server.token(namespace, "entrypoint-agent")),
    writeFile(join(home, "credentials/ca.crt"), server.caPem),
    writeFile(join(home, "secrets/token"), dns.token),
  ]);

  // A container brings its own Node. One agent has one too, so that all pages of it count against its limit.
  const ownNode = join(home, "node");
  await copyFile(nodeProgram, ownNode);
  const limits: MemoryLimit[] = [];
  const entries: ChildProcess[] = [];
  const nodes = await Promise.all(
    names.map(async (each, at): Promise<LabNode> => {
      const network = await makeNode(`f${index}n${at + 1}`, `10.78.${index + 1}.${at + 1}`);
      const limit = await limitMemory(each, limitMib * 1_024 * 1_024);
      if (limit) limits.push(limit);
      const [command = "", ...prefix] = network.prefix;
      const entry = spawn(
        command,
        [
          ...prefix,
          process.execPath,
          "--max-old-space-size=16",
          dist("../bench/failover/entry.mjs"),
          String(entryPort),
        ],
        { stdio: "inherit" },
      );
      entries.push(entry);
      const log = createWriteStream(join(home, "logs", `${each}.log`), { flags: "a" });
      const node: LabNode = {
        ...network,
        name: each,
        site: sites[at] ?? "",
        agent: undefined,
        start() {
          // The limit first: inside, the kernel's control groups are not to be seen.
          const [first = "", ...rest] = [...(limit?.prefix ?? []), ...network.prefix];
          const child = spawn(
            first,
            [
              ...rest,
              at === 0 ? ownNode : nodeProgram,
              ...nodeFlags,
              join(home, "program/agent.mjs"),
              join(home, "program"),
            ],
            {
              stdio: ["ignore", "pipe", "pipe"],
              env: {
                NODE_NAME: each,
                KUBERNETES_SERVICE_HOST: apiAddress,
                KUBERNETES_SERVICE_PORT: "6443",
                CREDENTIALS_DIRECTORY: join(home, "credentials"),
                SECRETS_DIRECTORY: join(home, "secrets"),
              },
            },
          );
          child.stdout.pipe(log, { end: false });
          child.stderr.pipe(log, { end: false });
          node.agent = child;
        },
      };
      return node;
    }),
  );
  const context = {
    cluster: "failover",
    signal: new AbortController().signal,
    dialer: () => Promise.reject(new Error("nothing is dialled")),
    report: () => {},
  };
  await entrypoint.set(context, [nodes[0]?.address ?? ""]);
  const writes = () => dns.calls.filter(({ method }) => method !== "GET").length;
  const before = writes();
  for (const node of nodes) node.start();

  return {
    nodes,
    record: () => dns.resolve("hello.apps.example.com"),
    onChange: (listener) => dns.onChange(() => listener(performance.now())),
    dnsWrites: () => writes() - before,
    async events() {
      const events = await server.api.list({ apiVersion: "v1", kind: "Event", namespace });
      return events.filter(({ reason }) => reason === "EntrypointSwitched").length;
    },
    async view() {
      const leases = await server.api.list({
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        namespace,
      });
      const spec = (lease: (typeof leases)[number] | undefined) =>
        (lease?.spec ?? {}) as { holderIdentity?: string; renewTime?: string };
      const leader = leases.find(({ metadata }) => metadata.name === settings.name);
      const fresh = (lease: (typeof leases)[number] | undefined, ms: number) =>
        Date.now() - Date.parse(spec(lease).renewTime ?? "") < ms;
      const calm = names.every((each) => {
        const lease = leases.find(({ metadata }) => metadata.name === `${settings.name}.${each}`);
        const text = lease?.metadata.annotations?.["multicloud.entrypoint/observation"];
        const { sees = {}, suspects = true } = JSON.parse(text ?? "{}") as {
          sees?: Record<string, string>;
          suspects?: boolean;
        };
        return fresh(lease, 12_000) && !suspects && nodes.every(({ address }) => sees[address] === "up");
      });
      return { leader: fresh(leader, 3_000) ? (spec(leader).holderIdentity ?? "") : "", calm };
    },
    memory: () =>
      Promise.all(
        nodes.map(async ({ agent }) => {
          const status = await readFile(`/proc/${agent?.pid}/status`, "utf8");
          const of = (field: string) =>
            Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN);
          return { rss: of("VmRSS"), own: of("RssAnon"), peak: of("VmHWM") };
        }),
      ),
    async limited() {
      if (limits.length < nodes.length) return undefined;
      const kills = await Promise.all(limits.map((limit) => limit.kills()));
      return { mib: limitMib, kills: kills.reduce((sum, one) => sum + one, 0) };
    },
    async close() {
      for (const { agent } of nodes) {
        if (agent?.kill("SIGKILL")) await once(agent, "exit");
      }
      await Promise.all(limits.map((limit) => limit.remove()));
      for (const entry of entries) entry.kill("SIGKILL");
      proxy.close();
      await dns.close();
      world.close();
    },
  };
}
