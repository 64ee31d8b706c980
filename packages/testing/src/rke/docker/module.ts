import type { MachineModule, VirtualMachine } from "../../world/machines.js";
import type { World } from "../../world/world.js";
import type { KubernetesClusters } from "../clusters.js";
import { createDockerApi } from "./api.js";
import { daemonOf } from "./daemon.js";

const version = "20.10.24";
const socket = "/var/run/docker.sock";

/**
 * What machines need for RKE: Docker with its API on `/var/run/docker.sock` for the group `docker`,
 * open-iscsi, the NFS client and `modprobe`. Containers that RKE starts do what RKE's do; see
 * `containers/programs.ts`.
 */
export function dockerModule(world: World, clusters: KubernetesClusters): MachineModule {
  function start(machine: VirtualMachine): void {
    const config = machine.files.read("/etc/docker/daemon.json");
    // dockerd does not start with a configuration that it cannot read.
    if (config !== undefined) JSON.parse(config);
    loadModules(machine, ["br_netfilter", "overlay"]);
    const daemon = daemonOf(machine, world, clusters);
    const server = createDockerApi(daemon, world, version);
    const close = machine.listenUnix(socket, "docker", (stream) => server.emit("connection", stream));
    const stop = () => {
      close();
      server.closeAllConnections();
      daemon.suspend();
      machine.attachments.delete("docker.stop");
    };
    machine.attachments.set("docker.stop", stop);
    machine.onPowerOff(stop);
    void daemon.resume();
  }

  return {
    packages: [
      { name: "docker.io", version: `${version}+dfsg1-1+deb12u1` },
      { name: "open-iscsi", version: "2.1.8-1" },
      { name: "nfs-common", version: "1:2.6.2-4+deb12u1" },
    ],
    programs: [
      {
        name: "modprobe",
        run({ machine, args, user }) {
          if (user !== "root") {
            return { code: 1, stderr: "modprobe: ERROR: could not insert module: Operation not permitted\n" };
          }
          loadModules(
            machine,
            args.filter((argument) => !argument.startsWith("-")),
          );
          return { code: 0 };
        },
      },
    ],
    units: [
      {
        name: "docker",
        package: "docker.io",
        start,
        stop: (machine) => (machine.attachments.get("docker.stop") as (() => void) | undefined)?.(),
      },
      { name: "iscsid", package: "open-iscsi", startOnInstall: false },
    ],
  };
}

// What the kernel shows of the two modules that Kubernetes needs.
function loadModules(machine: VirtualMachine, names: readonly string[]): void {
  if (
    names.includes("br_netfilter") &&
    !machine.files.exists("/proc/sys/net/bridge/bridge-nf-call-iptables")
  ) {
    machine.files.write("/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n");
    machine.files.write("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "1\n");
  }
  const filesystems = machine.files.read("/proc/filesystems") ?? "";
  if (names.includes("overlay") && !filesystems.includes("overlay")) {
    machine.files.write("/proc/filesystems", `${filesystems}nodev\toverlay\n`);
  }
}
