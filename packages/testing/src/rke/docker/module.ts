import type { MachineModule, VirtualMachine } from "../../world/machines.js";
import type { World } from "../../world/world.js";
import type { KubernetesClusters } from "../clusters.js";
import { createDockerApi } from "./api.js";
import { daemonOf } from "./daemon.js";

const version = "20.10.24";
const socket = "/var/run/docker.sock";

/**
 * What machines need for RKE: Docker with its API on `/var/run/docker.sock` for the group `docker`,
 * open-iscsi and the NFS client. Containers that RKE starts do what RKE's do; see
 * `containers/programs.ts`.
 */
export function dockerModule(world: World, clusters: KubernetesClusters): MachineModule {
  function start(machine: VirtualMachine): void {
    const config = machine.files.read("/etc/docker/daemon.json");
    // dockerd does not start with a configuration that it cannot read.
    if (config !== undefined) JSON.parse(config);
    loadModules(machine);
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

// dockerd loads what its bridge and its storage driver need.
function loadModules({ files }: VirtualMachine): void {
  for (const name of ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"]) {
    const path = `/proc/sys/net/bridge/${name}`;
    if (!files.exists(path)) files.write(path, "1\n");
  }
  const filesystems = files.read("/proc/filesystems") ?? "";
  if (!filesystems.includes("overlay")) files.write("/proc/filesystems", `${filesystems}nodev\toverlay\n`);
}
