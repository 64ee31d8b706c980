import { execFile } from "node:child_process";
import { connect, createServer, type Server, type Socket } from "node:net";
import { promisify } from "node:util";
import type { EngineNode, Gateway, GatewayContext, Report, SiteContext } from "@multicloud/core/plugin";
import { realHosts } from "../../testing/hosts/real-hosts.js";
import { type GatewayHost, type HaproxySettings, haproxyGateway } from "../src/index.js";

const run = promisify(execFile);
const hosts = realHosts();
// https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, 2.2
const proxySignature = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

/** A site's machine: an address on the hosts' network at which this process answers as its ingress would. */
export interface Worker {
  readonly node: EngineNode;
  /** What clients sent first, connection by connection. */
  readonly received: Buffer[];
  /** Connections so far, by port. */
  readonly counts: Map<number, number>;
  /** Nothing listens any more, and open connections break. */
  die(): Promise<void>;
  revive(): Promise<void>;
}

/** What `host` of the options says of one of the real hosts. */
export function hostOptions(address: string): GatewayHost {
  return { host: address, user: hosts.user, hostKey: hosts.hostKey, privateKeyFile: hosts.privateKeyFile };
}

export const freeHosts = [...hosts.addresses];

/** A gateway on a host of its own, or on the given one. */
export function gatewayOn(address: string, options: Partial<HaproxySettings> = {}): Gateway {
  return haproxyGateway({ host: hostOptions(address), publicAddress: "203.0.113.7", ...options });
}

export function siteContext(
  more: { cluster?: string; site?: string; signal?: AbortSignal; reports?: Report[] } = {},
): SiteContext {
  return {
    cluster: more.cluster ?? "lab",
    site: more.site ?? "home",
    signal: more.signal ?? new AbortController().signal,
    dialer: (target) =>
      new Promise((resolve, reject) => {
        const socket = connect(target);
        socket.once("connect", () => resolve(socket)).once("error", reject);
      }),
    report: (report) => more.reports?.push(report),
  };
}

/** A call for a gateway whose machine the provider made: core brings the connection. */
export async function withMachine(
  address: string,
  work: (context: GatewayContext) => Promise<void>,
): Promise<void> {
  const host = await hosts.connect(address);
  try {
    await work({
      ...siteContext(),
      machine: {
        name: "lab-home-gateway-1",
        publicAddress: async () => "198.51.100.20",
        connect: async () => host,
      },
    });
  } finally {
    await host.close();
  }
}

/** Runs a command on a host as root and gives what it wrote. */
export async function sh(address: string, command: string): Promise<string> {
  const host = await hosts.connect(address);
  try {
    const { stdout, stderr } = await host.exec(command, { sudo: true });
    return `${stdout}${stderr}`.trim();
  } finally {
    await host.close();
  }
}

let next = 0;
const open: (() => Promise<void>)[] = [];

/** How many bytes the PROXY protocol's header of version 2 has; 0: what the client sends begins at once. */
function proxyHeaderLength(data: Buffer): number {
  if (!proxySignature.equals(data.subarray(0, proxySignature.length))) return 0;
  return data.length < 16 ? 16 : 16 + data.readUInt16BE(14);
}

/** Ends all workers. */
export const closeWorkers = () => Promise.all(open.splice(0).map((close) => close()));

export async function startWorker(role: EngineNode["role"] = "worker"): Promise<Worker> {
  const index = ++next;
  const address = `10.77.2.${index}`;
  await run("ip", ["addr", "add", `${address}/16`, "dev", "br0"]);
  const name = `lab-home-${role}-${index}`;
  const received: Buffer[] = [];
  const counts = new Map<number, number>();
  const sockets = new Set<Socket>();
  let servers: Server[] = [];
  const answer = (port: number) => (socket: Socket) => {
    sockets.add(socket);
    counts.set(port, (counts.get(port) ?? 0) + 1);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    let first = Buffer.alloc(0);
    socket.on("data", function begin(data: Buffer) {
      first = Buffer.concat([first, data]);
      // A PROXY header may come before what the client sends, or together with it.
      if (first.length <= proxyHeaderLength(first)) return;
      socket.off("data", begin);
      received.push(first);
      socket.write(`${name}:${port}\n`);
      // Whatever comes later is sent back, as a long conversation.
      socket.on("data", (more: Buffer) => socket.write(more));
    });
  };
  const worker: Worker = {
    node: {
      name,
      site: "home",
      role,
      labels: {},
      jump: [],
      address: "192.0.2.1",
      port: 22,
      user: "nobody",
      privateAddress: address,
      overlayAddress: "10.0.0.1",
      overlayInterface: "ov0",
      host: undefined as unknown as EngineNode["host"],
      probe: async () => {},
    },
    received,
    counts,
    async die() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
      servers = [];
    },
    async revive() {
      servers = await Promise.all(
        (role === "worker" ? [80, 443] : [6443]).map(
          (port) =>
            new Promise<Server>((resolve, reject) => {
              const server = createServer(answer(port));
              server.once("error", reject).listen(port, address, () => resolve(server));
            }),
        ),
      );
    },
  };
  await worker.revive();
  open.push(() => worker.die());
  return worker;
}

/** A client of a gateway. */
export interface Client {
  /** Sends a line and gives the line that comes back. */
  say(line: string): Promise<string>;
  close(): void;
}

/** Opens a connection to a gateway's port. */
export function openClient(address: string, port: number): Promise<Client> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    socket.once("error", reject);
    socket.once("connect", () => {
      resolve({
        say: (line) =>
          new Promise((answered, failed) => {
            const ended = () => failed(new Error("the connection ended"));
            socket.once("close", ended);
            socket.once("data", (data: Buffer) => {
              socket.off("close", ended);
              answered(data.toString().trim());
            });
            socket.write(line);
          }),
        close: () => void socket.destroy(),
      });
    });
  });
}

/** One short visit: which worker answered. */
export async function visit(address: string, port: number): Promise<string> {
  const client = await openClient(address, port);
  try {
    return await client.say("hello");
  } finally {
    client.close();
  }
}
