import type { MachineModule, VirtualMachine } from "../world/machines.js";
import type { World } from "../world/world.js";
import { runCli } from "./cli.js";
import { version } from "./cli-output.js";
import { daemonOf } from "./daemon.js";
import type { Fabric } from "./fabric.js";

/** Package `zerotier-one` with its daemon and `zerotier-cli`, for machines of the sandbox. */
export function zerotierModule(world: World, fabric: Fabric): MachineModule {
  const daemon = (machine: VirtualMachine) => daemonOf(world, fabric, machine);
  return {
    packages: [{ name: "zerotier-one", version, origin: "download.zerotier.com" }],
    programs: [
      {
        name: "zerotier-cli",
        package: "zerotier-one",
        run: (call) => runCli(call, daemon(call.machine), world.clock),
      },
    ],
    units: [
      {
        name: "zerotier-one",
        package: "zerotier-one",
        startOnInstall: true,
        start: (machine) => daemon(machine).start(),
        stop: (machine) => daemon(machine).stop(),
      },
    ],
  };
}
