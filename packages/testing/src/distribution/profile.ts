import type { Start } from "./server.js";
import { StartFailure } from "./start-failure.js";

/** Kernel settings that the CIS profile of RKE2, and a kubelet with `protect-kernel-defaults`, insist on. */
const wanted: Readonly<Record<string, string>> = {
  "vm.overcommit_memory": "1",
  "vm.panic_on_oom": "0",
  "kernel.panic": "10",
  "kernel.panic_on_oops": "1",
};

/** Refuses a machine that is not as the hardening guides want it, where the configuration asks for that. */
export function checkProfile({ flavour, machine, config }: Start, isServer: boolean): void {
  const profile = flavour.name === "rke2" ? config.text("profile") : undefined;
  if (profile !== undefined && profile !== "cis" && profile !== "etcd")
    throw new StartFailure("invalid value provided for --profile flag");
  if (profile === "cis" || config.flag("protect-kernel-defaults")) {
    const wrong = Object.entries(wanted).flatMap(([name, value]) => {
      const given = machine.files.read(`/proc/sys/${name.replaceAll(".", "/")}`)?.trim();
      return given === value ? [] : [`invalid kernel parameter value ${name}=${given} - expected ${value}`];
    });
    if (wrong.length > 0) throw new StartFailure(wrong.join("\n"));
  }
  if (profile !== undefined && isServer && !/^etcd:/m.test(machine.files.read("/etc/passwd") ?? ""))
    throw new StartFailure("missing required: user: unknown user etcd");
}
