import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { callContext, setUp as setUpDns } from "../../dns-cloudflare/test/fixture.js";
import {
  createKubernetesCluster,
  type EmulatedCluster,
} from "../../testing/src/kubernetes/kubernetes-cluster.js";
import { createAuthority, issue } from "../../testing/src/rke/certificates/authority.js";
import { fakeWorld } from "../../testing/test/fake-world.js";
import { agentSettings, entrypointAgentManifest, nodeFlags } from "../src/index.js";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const servers: Server[] = [];
let directory: string;
let agent: ChildProcess;
let output = "";
const greeted = new Set<string>();
let statusPort: number;
let cluster: EmulatedCluster;
let dns: Awaited<ReturnType<typeof setUpDns>>;

async function listen(server: Server, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

/** A port that nobody has, below those that the system gives out (RFC 6335 begins them at 49152, Linux at 32768). */
async function freePort(): Promise<number> {
  for (let port = 20_000 + (process.pid % 10_000); ; port += 1) {
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (const from = Date.now(); Date.now() - from < 240_000; ) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not in time\n${output}`);
}

/** The program of the pods, as a process: started as they start it, with everything that a pod is given. */
beforeAll(async () => {
  const ca = await createAuthority("kube-ca");
  const serving = await issue(ca, { commonName: "kube-apiserver", names: ["127.0.0.1"] });
  dns = await setUpDns();
  await dns.entrypoint().set(callContext({ cluster: "lab" }), ["127.0.0.9"]);
  cluster = createKubernetesCluster(fakeWorld(), {
    tokens: {
      "agent-token": {
        name: "system:serviceaccount:multicloud-entrypoint:entrypoint-agent",
        groups: ["system:serviceaccounts"],
      },
    },
  });
  const labels = { "topology.kubernetes.io/region": "home" };
  cluster.seed({ apiVersion: "v1", kind: "Node", metadata: { name: "home-1", labels } });
  const apiPort = await listen(
    createServer((socket) => {
      cluster.accept(socket, { certPem: serving.certPem, keyPem: serving.keyPem, clientCaPem: ca.certPem });
    }),
  );
  const key = {
    cert: serving.certPem,
    key: serving.keyPem,
    SNICallback(name: string, done: (error: null) => void) {
      greeted.add(name);
      done(null);
    },
  };
  const answer = createHttpsServer(key, (request, response) => {
    response.writeHead(request.headers.host === "hello.apps.example.com" ? 404 : 500).end();
  });
  const port = await listen(answer);
  const sources: string[] = [];
  for (let n = 0; n < 3; n++) {
    const server = createHttpServer((_, response) => response.end("ip=127.0.0.1\n"));
    sources.push(`http://127.0.0.1:${await listen(server)}/`);
  }
  statusPort = await freePort();

  const entrypoint = dns.entrypoint();
  const settings = {
    ...agentSettings("lab", [{ site: "home" }], {
      entrypoint,
      probe: { kind: "https", port, host: "hello.apps.example.com" },
      addressSources: sources,
      timing: {
        lookMs: 500,
        alertMs: 200,
        probeIntervalMs: 300,
        probeTimeoutMs: 5_000,
        suspectMs: 250,
        // On a busy machine the only agent does not lose its term.
        leaseMs: 60_000,
        renewDeadlineMs: 50_000,
        callTimeoutMs: 30_000,
      },
    }),
    statusPort,
  };
  for (const object of entrypointAgentManifest({
    settings,
    program: "",
    dnsProgram: "",
    secrets: {},
    image: "node",
  }))
    cluster.seed(structuredClone(object) as never);

  directory = await mkdtemp(join(tmpdir(), "entrypoint-agent-process-"));
  for (const part of ["program", "credentials", "secrets"]) await mkdir(join(directory, part));
  // The very files that travel in the ConfigMap: `npm test` has bundled them.
  await copyFile(source("../dist/agent.js"), join(directory, "program/agent.mjs"));
  await copyFile(source("../../dns-cloudflare/dist/in-cluster.js"), join(directory, "program/dns.mjs"));
  await writeFile(join(directory, "program/settings.json"), JSON.stringify(settings));
  await writeFile(join(directory, "credentials/token"), "agent-token");
  await writeFile(join(directory, "credentials/ca.crt"), ca.certPem);
  await writeFile(join(directory, "secrets/token"), `${dns.dns.token}\n`);
  agent = spawn(
    // Another Node than this one: `npm run test:agent`.
    process.env.AGENT_NODE ?? process.execPath,
    [...nodeFlags, join(directory, "program/agent.mjs"), join(directory, "program")],
    {
      cwd: source("../../.."),
      env: {
        PATH: process.env.PATH,
        NODE_NAME: "home-1",
        KUBERNETES_SERVICE_HOST: "127.0.0.1",
        KUBERNETES_SERVICE_PORT: String(apiPort),
        CREDENTIALS_DIRECTORY: join(directory, "credentials"),
        SECRETS_DIRECTORY: join(directory, "secrets"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  agent.stdout?.on("data", (chunk) => (output += chunk));
  agent.stderr?.on("data", (chunk) => (output += chunk));
});

afterAll(async () => {
  agent?.kill("SIGKILL");
  for (const server of servers) server.close();
  cluster?.close();
  await dns?.dns.close();
  if (directory) await rm(directory, { recursive: true });
});

it("finds its address, leads, moves the record by HTTPS with SNI, tells it, and hands the lease over at the end", async () => {
  await until(
    "the record to be moved",
    () => dns.dns.resolve("x.apps.example.com").includes("127.0.0.1") || undefined,
  );
  expect(dns.contents()).toEqual(["*.apps.example.com A 127.0.0.1"]);
  // Such an import ends the program on Node 22 and newer, see node-http.ts.
  const program = await readFile(join(directory, "program/agent.mjs"), "utf8");
  expect(program).not.toMatch(/from\s*["'](?:node:)?http["']/);
  expect([...greeted]).toEqual(["hello.apps.example.com"]);
  const event = await until("the event", () => cluster.objects("Event")[0]);
  expect(event).toMatchObject({ reason: "EntrypointSwitched", involvedObject: { kind: "DaemonSet" } });

  const health = await fetch(`http://127.0.0.1:${statusPort}/healthz`);
  expect([health.status, await health.text()]).toEqual([200, "ok\n"]);
  const metrics = await until("the metrics", async () => {
    const text = await (await fetch(`http://127.0.0.1:${statusPort}/metrics`)).text();
    return text.includes('entrypoint_record_address{address="127.0.0.1"} 1') ? text : undefined;
  });
  expect(metrics).toContain("# TYPE entrypoint_switches_total counter\nentrypoint_switches_total 1\n");
  expect(metrics).toContain("entrypoint_agent_leader 1");
  expect(metrics).toContain('entrypoint_address_up{address="127.0.0.1",site="home"} 1');
  expect(metrics).toMatch(/entrypoint_api_calls_total\{service="kubernetes",status="200"\} \d+/);
  expect(metrics).toMatch(/entrypoint_api_calls_total\{service="cloudflare",status="200"\} 4/);

  agent.kill("SIGTERM");
  const [code] = await once(agent, "exit");
  expect(code).toBe(0);
  const lease = cluster.object(
    "coordination.k8s.io/v1",
    "Lease",
    "entrypoint-agent",
    "multicloud-entrypoint",
  );
  expect(lease?.spec).toMatchObject({ holderIdentity: "" });
  const said = output
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("Warning: disabling flag"));
  for (const line of said) expect(JSON.parse(line)).toHaveProperty("message");
  expect(output).not.toContain(dns.dns.token);
});
