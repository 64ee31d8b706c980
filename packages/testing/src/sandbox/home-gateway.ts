import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateKeyPair } from "../world/key-pair.js";
import type { World } from "../world/world.js";

/** The router at home and the small machine behind it that is always on. */
export interface HomeGateway {
  /** Name of the local network. */
  readonly lan: string;
  readonly settings: {
    /** The router's public address. */
    readonly router: string;
    readonly jump: {
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly hostKey: string;
      readonly privateKeyFile: string;
    };
  };
}

const lan = "home";
const router = "203.0.113.7";
const gatewayAddress = "192.168.64.2";
const jumpPort = 2222;

/**
 * Home as people have it: a router with one public address, and a machine that was there before. The router
 * passes a port on to its SSH, and 80 and 443 to it too. Its reverse proxy, if it has one, passes them to any machine
 * of the local network that answers there.
 */
export async function createHomeGateway(
  world: World,
  directory: string,
  proxies: boolean,
): Promise<HomeGateway> {
  world.network.addLan({ name: lan, natAddress: router });
  const login = generateKeyPair("operator at home");
  const host = generateKeyPair("gateway");
  const privateKeyFile = join(directory, "jump-key");
  await writeFile(privateKeyFile, login.privateKey, { mode: 0o600 });

  const machine = world.machines.boot({
    id: "home-gateway",
    hostname: "gateway",
    image: "debian-12",
    sshKeys: [login.publicKey],
    lan,
    privateAddress: gatewayAddress,
    hostKeys: [host.privateKey],
  });
  world.network.forwardPort({ lan, port: jumpPort, to: { host: gatewayAddress, port: 22 } });
  for (const port of [80, 443]) {
    world.network.forwardPort({ lan, port, to: { host: gatewayAddress, port } });
    if (!proxies) continue;
    machine.listen(port, async (incoming) => {
      incoming.on("error", () => {});
      for (const other of world.machines.all()) {
        if (
          other === machine ||
          other.spec.lan !== lan ||
          other.state !== "running" ||
          !other.spec.privateAddress
        )
          continue;
        try {
          const backend = await machine.dial({ host: other.spec.privateAddress, port });
          backend.on("error", () => incoming.destroy());
          backend.on("close", () => incoming.destroy());
          incoming.on("close", () => backend.destroy());
          incoming.pipe(backend).pipe(incoming);
          return;
        } catch {
          // This one runs no ingress: the next.
        }
      }
      incoming.destroy();
    });
  }
  return {
    lan,
    settings: {
      router,
      jump: { host: router, port: jumpPort, user: "debian", hostKey: host.publicKey, privateKeyFile },
    },
  };
}
