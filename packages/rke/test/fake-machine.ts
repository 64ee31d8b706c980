import { generateKeyPairSync } from "node:crypto";
import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import type { MachineSpec, VirtualMachine } from "../../testing/src/world/machines.js";
import type { World } from "../../testing/src/world/world.js";

/** A machine with a disk, addresses and an SSH server that forwards, but without a shell. */
export interface FakeMachine {
  readonly machine: VirtualMachine;
  readonly disk: Map<string, string>;
  /** Members of the group docker; others may not open its socket. */
  readonly dockerGroup: Set<string>;
  readonly interfaceNames: Set<string>;
  powerOff(): void;
}

export interface FakeMachineOptions {
  readonly name: string;
  readonly publicAddress: string;
  readonly overlayAddress: string;
  readonly interfaceName: string;
  readonly publicKey: string;
}

const hostKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
  type: "pkcs1",
  format: "pem",
});

export function fakeMachine(world: World, options: FakeMachineOptions): FakeMachine {
  const { name, publicAddress, overlayAddress, interfaceName } = options;
  const disk = new Map<string, string>();
  const interfaceNames = new Set(["lo", interfaceName]);
  const sockets = new Map<string, (stream: Duplex) => void>();
  const onPowerOff: (() => void)[] = [];
  const dockerGroup = new Set(["debian"]);
  const places = [{ host: publicAddress }, { host: overlayAddress, overlay: "zt" }];
  const hosts = places.map((place) => world.network.addHost({ ...place, machine: name }));
  world.network.joinOverlay(name, "zt");

  const machine = {
    spec: { id: name, hostname: name, image: "debian-12", sshKeys: [] } satisfies MachineSpec,
    files: {
      read: (path: string) => disk.get(path),
      write: (path: string, content: string) => void disk.set(path, content),
      remove(path: string) {
        for (const known of [...disk.keys()])
          if (known === path || known.startsWith(`${path}/`)) disk.delete(known);
      },
      exists: (path: string) =>
        [...disk.keys()].some((known) => known === path || known.startsWith(`${path}/`)),
    },
    addresses: () => [publicAddress, overlayAddress],
    interfaceNames: () => [...interfaceNames],
    listen(port: number, accept: (stream: Duplex) => void) {
      const closers = places.map((place) =>
        world.network.listen({ ...place, port }, ({ stream }) => accept(stream)),
      );
      return () => {
        for (const close of closers) close();
      };
    },
    listenUnix(path: string, _group: string, accept: (stream: Duplex) => void) {
      sockets.set(path, accept);
      return () => sockets.delete(path);
    },
    dial: (target: { host: string; port: number }) => world.network.dial({ machine: name }, target),
    attachments: new Map<string, unknown>(),
    onPowerOff: (callback: () => void) => void onPowerOff.push(callback),
  } as unknown as VirtualMachine;

  const allowed = ssh2.utils.parseKey(options.publicKey) as ssh2.ParsedKey;
  const server = new ssh2.Server({ hostKeys: [hostKey as string] }, (client) => {
    let user = "";
    client.on("error", () => {});
    client.on("authentication", (auth) => {
      user = auth.username;
      if (auth.method !== "publickey" || !auth.key.data.equals(allowed.getPublicSSH()))
        return auth.reject(["publickey"]);
      auth.accept();
    });
    client.on("openssh.streamlocal", (accept, reject, info) => {
      const open = sockets.get(info.socketPath);
      if (open && dockerGroup.has(user)) open(accept());
      else reject();
    });
    client.on("tcpip", (accept, reject, { destIP, destPort }) => {
      machine.dial({ host: destIP, port: destPort }).then(
        (stream) => {
          const channel = accept();
          channel.pipe(stream).pipe(channel);
          for (const end of [channel, stream]) end.on("error", () => {});
        },
        () => reject(),
      );
    });
  });
  const closeSsh = machine.listen(22, (stream) => server.injectSocket(stream as never));
  return {
    machine,
    disk,
    dockerGroup,
    interfaceNames,
    powerOff() {
      closeSsh();
      for (const callback of onPowerOff) callback();
      for (const remove of hosts) remove();
    },
  };
}
