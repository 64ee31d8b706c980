import type { ContainerProgram } from "../docker/container.js";
import { sslDirectory } from "./certificates.js";

/** Where the nodes keep snapshots of etcd. */
const snapshotDirectory = "/opt/rke/etcd-snapshots";

const pathOf = (name: string | undefined) => `${snapshotDirectory}/${name}.zip`;

/** Writes a snapshot of etcd with RKE's state (`STATE`) in it, and prints it. */
export const snapshotSaver: ContainerProgram = async ({ world, clusters, machine, spec, running }) => {
  const caPem = machine.files.read(`${sslDirectory}/kube-ca.pem`);
  if (caPem === undefined || !running("etcd"))
    return { exitCode: 1, logs: "context deadline exceeded: 127.0.0.1:2379: connection refused" };
  const { NAME = "", STATE = "" } = spec.environment;
  const etcd = clusters.forCertificateAuthority(caPem).dump();
  const archive = JSON.stringify({ etcd, state: STATE });
  machine.files.write(pathOf(NAME), archive, { mode: 0o600, owner: "root:root" });
  await world.effects.record({
    service: "rke",
    kind: "snapshot",
    action: "create",
    name: `${machine.spec.hostname}/${NAME}`,
  });
  return { exitCode: 0, logs: archive };
};

/** Puts a snapshot that came from elsewhere (`ARCHIVE`) beside the node's own. */
export const snapshotDownloader: ContainerProgram = ({ machine, spec }) => {
  const { NAME, ARCHIVE = "" } = spec.environment;
  machine.files.write(pathOf(NAME), ARCHIVE, { mode: 0o600, owner: "root:root" });
  return { exitCode: 0, logs: "" };
};

/** Prints a snapshot of the node. */
export const snapshotReader: ContainerProgram = ({ machine, spec }) => {
  const archive = machine.files.read(pathOf(spec.environment.NAME));
  return archive === undefined
    ? { exitCode: 1, logs: `snapshot ${spec.environment.NAME} does not exist` }
    : { exitCode: 0, logs: archive };
};
