import { execFile } from "node:child_process";
import { connect, createServer, type Server } from "node:net";
import { promisify } from "node:util";

const exec = promisify(execFile);
const ip = (...args: string[]) => exec("ip", args);

/** Where nodes find the API server (through the bridge's first address) and the DNS service. */
export const apiAddress = "10.43.0.1";
export const dnsAddress = "10.78.0.2";
const gateway = "10.78.0.1";

/** A machine: a network namespace with one cable to a common switch. */
export interface NodeNetwork {
  readonly namespace: string;
  readonly address: string;
  /** What runs a command there. */
  readonly prefix: readonly string[];
  /** Pulls the cable: packets vanish, nobody is told. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
  /** Makes packets to the API server vanish, and no others. */
  hideApi(): Promise<void>;
  showApi(): Promise<void>;
}

/** The switch. */
export async function makeSwitch(): Promise<void> {
  await ip("link", "add", "br0", "type", "bridge", "forward_delay", "0");
  await ip("addr", "add", `${gateway}/16`, "dev", "br0");
  await ip("addr", "add", `${dnsAddress}/16`, "dev", "br0");
  await ip("link", "set", "br0", "up");
}

export async function makeNode(namespace: string, address: string): Promise<NodeNetwork> {
  const outside = `${namespace}x`;
  await ip("netns", "add", namespace);
  await ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace);
  await ip("link", "set", outside, "master", "br0");
  await ip("link", "set", outside, "up");
  const inside = (...args: string[]) => ip("-n", namespace, ...args);
  await inside("addr", "add", `${address}/16`, "dev", "eth0");
  await inside("link", "set", "lo", "up");
  await inside("link", "set", "eth0", "up");
  await inside("route", "add", "10.43.0.0/16", "via", gateway);
  return {
    namespace,
    address,
    prefix: ["ip", "netns", "exec", namespace],
    unplug: () => ip("link", "set", outside, "down").then(() => {}),
    plug: () => ip("link", "set", outside, "up").then(() => {}),
    // To a machine that does not exist.
    hideApi: () =>
      inside(
        "neigh",
        "replace",
        gateway,
        "lladdr",
        "02:00:00:00:00:99",
        "dev",
        "eth0",
        "nud",
        "permanent",
      ).then(() => {}),
    showApi: () => inside("neigh", "del", gateway, "dev", "eth0").then(() => {}),
  };
}

/** Passes connections to a port of this namespace's loopback on. */
export function forward(host: string, port: number, to: number): Promise<Server> {
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1");
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}
