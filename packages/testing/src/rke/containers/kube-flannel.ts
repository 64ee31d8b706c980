import type { VirtualMachine } from "../../world/machines.js";
import { type ContainerProgram, flag } from "../docker/container.js";
import { sslDirectory } from "./certificates.js";

/** The pod network of one node. Without the interface that it is told to use the node never gets Ready. */
export const kubeFlannel: ContainerProgram = ({ clusters, machine, spec }) => {
  const interfaceName = flag(spec, "iface");
  const caPem = machine.files.read(`${sslDirectory}/kube-ca.pem`);
  if (interfaceName !== undefined && !hasInterface(machine, interfaceName)) {
    return { exitCode: 1, logs: `Could not find valid interface matching ${interfaceName}` };
  }
  if (caPem === undefined) return { exitCode: 1, logs: "Failed to create SubnetManager: no CA" };
  const cluster = clusters.forCertificateAuthority(caPem);
  cluster.setNodeReady(spec.environment.NODE_NAME ?? machine.spec.hostname, true);
  return { end() {} };
};

function hasInterface(machine: VirtualMachine, name: string): boolean {
  const names = machine.interfaceNames?.();
  return names === undefined || names.includes(name);
}
