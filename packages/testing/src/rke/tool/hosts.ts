import { readFile } from "node:fs/promises";
import type { Duplex } from "node:stream";
import type { World } from "../../world/world.js";
import type { Bastion, ClusterFile, FileNode } from "./cluster-file.js";
import { createDockerClient, type DockerClient } from "./docker-client.js";
import { Fatal, type Log } from "./run.js";

/** A node that RKE has a connection to. */
export interface Host {
  readonly node: FileNode;
  readonly docker: DockerClient;
  close(): void;
}

/** What connecting needs. */
export interface Reach {
  readonly world: World;
  readonly signal: AbortSignal;
  readonly log: Log;
}

const dialTimeoutMs = 50_000;
const supportedDocker =
  /^(1\.13|17\.0[369]|17\.12|18\.0[369]|19\.03|20\.10|23\.0|24\.0|25\.0|26\.[01]|27\.[0-2])\./;

interface Target {
  readonly address: string;
  readonly port: string;
  readonly user: string;
  readonly ssh_key_path: string;
}

/**
 * Connects to all nodes at once. Those that cannot be reached are warned about and left out, which is the
 * real RKE's most dangerous habit; only a Docker version that it does not know stops it.
 */
export async function tunnelHosts(
  reach: Reach,
  file: Pick<ClusterFile, "bastion">,
  nodes: readonly FileNode[],
  ignoreDockerVersion: boolean,
): Promise<Host[]> {
  const { log } = reach;
  const opened = await Promise.all(
    nodes.map(async (node) => {
      await log.info(`[dialer] Setup tunnel for host [${node.address}]`);
      try {
        return await openHost(reach, node, file.bastion);
      } catch (error) {
        reach.signal.throwIfAborted();
        const reason = `Can't retrieve Docker Info: error during connect: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": ${(error as Error).message}`;
        await log.warn(`Failed to set up SSH tunneling for host [${node.address}]: ${reason}`);
        return { dropped: node };
      }
    }),
  );
  const hosts: Host[] = [];
  for (const entry of opened) {
    if ("dropped" in entry) await log.warn(`Removing host [${entry.dropped.address}] from node lists`);
    else hosts.push(entry.host);
  }
  for (const entry of opened) {
    if ("dropped" in entry || ignoreDockerVersion || supportedDocker.test(entry.version)) continue;
    for (const host of hosts) host.close();
    throw new Fatal(
      `Unsupported Docker version found [${entry.version}] on host [${entry.host.node.address}]`,
    );
  }
  return hosts;
}

async function openHost(
  reach: Reach,
  node: FileNode,
  bastion: Bastion | undefined,
): Promise<{ host: Host; version: string }> {
  const closers: (() => void)[] = [];
  const close = () => {
    for (const closer of closers.reverse()) closer();
  };
  try {
    let stream: Duplex;
    if (bastion) {
      const jump = await openSsh(reach, bastion, await dial(reach, bastion.address, bastion.port));
      closers.push(jump.close);
      stream = await jump.forward(node.address, Number(node.port));
    } else {
      stream = await dial(reach, node.address, node.port);
    }
    const ssh = await openSsh(reach, node, stream);
    closers.push(ssh.close);
    const docker = createDockerClient(ssh.dockerSocket);
    closers.push(docker.close);
    const version = await docker.serverVersion();
    return { host: { node, docker, close }, version };
  } catch (error) {
    close();
    throw error;
  }
}

async function dial({ world, signal }: Reach, address: string, port: string): Promise<Duplex> {
  const patience = new AbortController();
  // Where everything happens at once, patience still takes its time.
  const timer = setTimeout(
    () => patience.abort(new Error("i/o timeout")),
    dialTimeoutMs * (world.clock.scale || 1),
  );
  try {
    const target = { host: address, port: Number(port) };
    return await world.network.dial({}, target, AbortSignal.any([signal, patience.signal]));
  } catch (error) {
    throw new Error(
      `Failed to dial ssh using address [${address}:${port}]: dial tcp ${address}:${port}: ${(error as Error).message}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

interface SshConnection {
  forward(host: string, port: number): Promise<Duplex>;
  dockerSocket(): Promise<Duplex>;
  close(): void;
}

// RKE does not look at host keys.
async function openSsh({ signal }: Reach, target: Target, sock: Duplex): Promise<SshConnection> {
  const privateKey = await readFile(target.ssh_key_path, "utf8");
  const { Client } = (await import("ssh2")).default;
  const client = new Client();
  const close = () => {
    client.end();
    sock.destroy();
  };
  signal.addEventListener("abort", close, { once: true });
  const done = () => {
    signal.removeEventListener("abort", close);
    close();
  };
  await new Promise<void>((resolve, reject) => {
    client.once("ready", resolve);
    client.once("close", () => reject(new Error("ssh: connection closed")));
    client.on("error", (error) => {
      const isRefused = error.level === "client-authentication";
      reject(
        new Error(
          isRefused
            ? `Unable to access node with address [${target.address}:${target.port}] using SSH. Please check if you are able to SSH to the node using the specified SSH Private Key and if you have configured the correct SSH username. Error: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain`
            : error.message,
        ),
      );
    });
    client.connect({ sock: sock as never, username: target.user, privateKey, readyTimeout: 20_000 });
  }).catch((error: unknown) => {
    done();
    throw error;
  });
  return {
    close: done,
    forward: (host, port) =>
      new Promise((resolve, reject) => {
        client.forwardOut("127.0.0.1", 0, host, port, (error, stream) =>
          error ? reject(error) : resolve(stream),
        );
      }),
    dockerSocket: () =>
      new Promise((resolve, reject) => {
        client.openssh_forwardOutStreamLocal("/var/run/docker.sock", (error, stream) =>
          error
            ? reject(
                new Error(
                  "Failed to dial to /var/run/docker.sock: ssh: rejected: administratively prohibited (open failed)",
                ),
              )
            : resolve(stream),
        );
      }),
  };
}
