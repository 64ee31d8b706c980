import type { Duplex } from "node:stream";
import ssh2, { type ClientChannel, type ConnectConfig, type SFTPWrapper } from "ssh2";
import { generateKeyPair } from "../../src/world/key-pair.js";
import type { MachineSpec, VirtualMachine } from "../../src/world/machines.js";
import type { World } from "../../src/world/world.js";

/** A key pair under ssh2's names. */
export function keyPair(comment: string): { private: string; public: string } {
  const { privateKey, publicKey } = generateKeyPair(comment);
  return { private: privateKey, public: publicKey };
}

/** The operator's key pair of all tests. */
export const operator = keyPair("operator");

export const publicLine = (pair: { public: string }) => pair.public.split(" ").slice(0, 2).join(" ");

export function spec(over: Partial<MachineSpec> = {}): MachineSpec {
  return {
    id: "m1",
    hostname: "node-1",
    image: "debian-12",
    sshKeys: [operator.public],
    publicAddress: "203.0.113.10",
    ...over,
  };
}

export interface Connected {
  readonly client: InstanceType<typeof ssh2.Client>;
  readonly hostKey: string;
  exec(
    command: string,
    stdin?: string | Uint8Array,
  ): Promise<{ stdout: string; stderr: string; code: number | undefined; signal: string | undefined }>;
  sftp(): Promise<SFTPWrapper>;
  close(): void;
}

/** A plain ssh2 client over a stream. */
export function connect(stream: Duplex, options: Partial<ConnectConfig> = {}): Promise<Connected> {
  const client = new ssh2.Client();
  let hostKey = "";
  return new Promise((resolve, reject) => {
    client.once("error", reject);
    client.once("ready", () => {
      client.on("error", () => {});
      resolve({
        client,
        hostKey,
        close: () => client.end(),
        exec: (command, stdin) => exec(client, command, stdin),
        sftp: () =>
          new Promise((done, fail) => client.sftp((error, sftp) => (error ? fail(error) : done(sftp)))),
      });
    });
    client.connect({
      sock: stream,
      username: "debian",
      privateKey: operator.private,
      hostVerifier: (key: Buffer) => {
        hostKey = key.toString("base64");
        return true;
      },
      ...options,
    });
  });
}

export function exec(
  client: InstanceType<typeof ssh2.Client>,
  command: string,
  stdin: string | Uint8Array = "",
) {
  return new Promise<{
    stdout: string;
    stderr: string;
    code: number | undefined;
    signal: string | undefined;
  }>((resolve, reject) => {
    client.exec(command, (error: Error | undefined, channel: ClientChannel) => {
      if (error) return reject(error);
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let code: number | undefined;
      let signal: string | undefined;
      channel.on("data", (chunk: Buffer) => out.push(chunk));
      channel.stderr.on("data", (chunk: Buffer) => err.push(chunk));
      channel.on("exit", (exitCode: number | null, signalName?: string) => {
        code = exitCode ?? undefined;
        signal = signalName;
      });
      channel.on("close", () =>
        resolve({
          stdout: Buffer.concat(out).toString("utf8"),
          stderr: Buffer.concat(err).toString("utf8"),
          code,
          signal,
        }),
      );
      channel.end(stdin);
    });
  });
}

/** Lets everything that is under way go on, whatever time that takes: a connection's end reaches the other side. */
export async function turns(count = 100): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Dials until SSH answers. */
export async function dialWhenUp(world: World, machine: VirtualMachine): Promise<Duplex> {
  const host = machine.spec.publicAddress ?? machine.spec.privateAddress ?? "";
  const from = machine.spec.publicAddress ? {} : machine.spec.lan ? { lan: machine.spec.lan } : {};
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await world.network.dial(from, { host, port: 22 });
    } catch (error) {
      if (attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

export async function bootAndConnect(
  world: World,
  over: Partial<MachineSpec> = {},
  options: Partial<ConnectConfig> = {},
) {
  const machine = world.machines.boot(spec(over));
  const ssh = await connect(await dialWhenUp(world, machine), options);
  return { machine, ssh };
}
