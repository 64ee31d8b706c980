import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { Dialer } from "@multicloud/core/plugin";
import { generateKeyPair } from "@multicloud/ssh";
import { createWorld, type VirtualMachine, type World } from "@multicloud/testing";
import type { StaticHost } from "../src/index.js";

/** Emulated machines that were there before, and a way to them. */
export interface Yard {
  readonly world: World;
  readonly hosts: readonly StaticHost[];
  readonly privateKeyFile: string;
  readonly privateKey: string;
  readonly dialer: Dialer;
  machine(host: string): VirtualMachine;
  /** Connections made so far, and the most that were open at once since the last call. */
  connections(): number;
  peak(): number;
  /** Breaks all connections that are open now. */
  breakAll(): void;
  /** Refuses all connections from now on. */
  refuse(): void;
  close(): Promise<void>;
}

/** Debian machines with a login user and a host key each, as somebody set them up by hand. */
export async function openYard(
  count: number,
  roles: readonly (StaticHost["role"] | undefined)[] = [],
): Promise<Yard> {
  const world = createWorld();
  const directory = await mkdtemp(join(tmpdir(), "multicloud-static-"));
  const login = await generateKeyPair("owner of the hosts");
  const privateKeyFile = join(directory, "key");
  await writeFile(privateKeyFile, login.privateKey, { mode: 0o600 });
  const hosts: StaticHost[] = [];
  for (let n = 1; n <= count; n += 1) {
    const key = await generateKeyPair(`host ${n}`);
    const role = roles[n - 1];
    const address = `198.18.0.${n}`;
    world.machines.boot({
      id: `rack-${n}`,
      hostname: `rack-${n}`,
      image: "debian-12",
      sshKeys: [login.publicKey],
      publicAddress: address,
      hostKeys: [key.privateKey],
    });
    hosts.push({
      name: `rack-${n}`,
      address,
      user: "debian",
      hostKey: key.publicKey,
      ...(role ? { role } : {}),
    });
  }
  const open = new Set<Duplex>();
  let count_ = 0;
  let peak = 0;
  let refused = false;
  return {
    world,
    hosts,
    privateKeyFile,
    privateKey: login.privateKey,
    async dialer(target, { signal } = {}) {
      if (refused) throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      const stream = await world.network.dial({}, target, signal);
      count_ += 1;
      open.add(stream);
      peak = Math.max(peak, open.size);
      stream.once("close", () => open.delete(stream));
      return stream;
    },
    machine: (host) => world.machines.get(host)!,
    connections: () => count_,
    peak() {
      const most = peak;
      peak = open.size;
      return most;
    },
    breakAll() {
      for (const stream of open) stream.destroy();
    },
    refuse() {
      refused = true;
    },
    async close() {
      world.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
