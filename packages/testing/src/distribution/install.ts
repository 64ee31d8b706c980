import { programMarker } from "../machine/shell/programs.js";
import type { Program, ProgramCall, ProgramResult } from "../world/machines.js";
import { hashOf } from "./distribution-cluster.js";
import { k3s, rke2 } from "./flavour.js";
import { programName } from "./releases.js";

const fail = (text: string): ProgramResult => ({ code: 1, stderr: `[ERROR]  ${text}\n` });

/** What `install.sh` of K3s does when it is told to download and start nothing. */
function installK3s({ machine, args, env = {}, user }: ProgramCall): ProgramResult {
  if (user !== "root") return fail("You need to be root to perform this install");
  const [command = env.INSTALL_K3S_EXEC?.split(" ")[0] ?? (env.K3S_URL ? "agent" : "server")] = args;
  if (env.INSTALL_K3S_SKIP_DOWNLOAD !== "true" || env.INSTALL_K3S_SKIP_START !== "true")
    return fail("the sandbox's install.sh neither downloads nor starts");
  if (machine.files.read(k3s.program) === undefined)
    return fail(`Executable k3s binary not found at ${k3s.program}`);
  const unit = command === "server" ? k3s.serverUnit : k3s.agentUnit;
  write(machine, "/usr/local/bin/k3s-killall.sh", programMarker("k3s-killall"));
  const uninstaller = `/usr/local/bin/${unit}-uninstall.sh`;
  const paths = [
    `/etc/systemd/system/${unit}.service`,
    `/etc/systemd/system/${unit}.service.env`,
    "/etc/rancher/k3s",
    k3s.dataDirectory,
    "/var/lib/kubelet",
    k3s.program,
    "/usr/local/bin/k3s-killall.sh",
    uninstaller,
  ];
  write(machine, uninstaller, uninstallScript([unit], paths));
  machine.files.write(`/etc/systemd/system/${unit}.service.env`, "", { mode: 0o600 });
  machine.files.write(`/etc/systemd/system/${unit}.service`, unitFile(`${k3s.program} ${command}`));
  return { code: 0, stdout: "[INFO]  systemd: Creating service file\n" };
}

/** What `install.sh` of RKE2 does with the files of a release beside it. */
function installRke2({ machine, env = {}, user }: ProgramCall): ProgramResult {
  if (user !== "root") return fail("You need to be root to perform this install");
  const path = env.INSTALL_RKE2_ARTIFACT_PATH;
  if (!path) return fail("the sandbox's install.sh downloads nothing");
  const { files } = machine;
  const sums = files.read(`${path}/sha256sum-amd64.txt`);
  const tarball = files.read(`${path}/rke2.linux-amd64.tar.gz`);
  if (sums === undefined || tarball === undefined) return fail(`cp: cannot stat '${path}'`);
  const expected = (name: string) =>
    sums
      .split("\n")
      .find((line) => line.endsWith(` ${name}`))
      ?.split(" ")[0];
  if (expected("rke2.linux-amd64.tar.gz") !== hashOf(tarball))
    return fail(
      `download sha256 does not match ${expected("rke2.linux-amd64.tar.gz")}, got ${hashOf(tarball)}`,
    );
  const version = /^tarball of rke2 (\S+)/.exec(tarball)?.[1];
  if (!version) return fail("gzip: stdin: not in gzip format");
  const images = files.read(`${path}/rke2-images.linux-amd64.tar.zst`);
  if (images !== undefined)
    files.write(`${rke2.dataDirectory}/agent/images/rke2-images.linux-amd64.tar.zst`, images);
  write(machine, rke2.program, programMarker(programName(rke2, version)));
  const bin = "/usr/local/bin";
  const unitFiles = [rke2.serverUnit, rke2.agentUnit].map(
    (unit) => `/usr/local/lib/systemd/system/${unit}.service`,
  );
  const [serverFile = "", agentFile = ""] = unitFiles;
  files.write(serverFile, unitFile(`${rke2.program} server`));
  files.write(agentFile, unitFile(`${rke2.program} agent`));
  write(machine, `${bin}/rke2-killall.sh`, programMarker("rke2-killall"));
  const paths = [
    "/etc/rancher/rke2",
    "/etc/rancher/node",
    "/etc/cni",
    rke2.dataDirectory,
    "/var/lib/kubelet",
    ...unitFiles,
    rke2.program,
    `${bin}/rke2-killall.sh`,
    `${bin}/rke2-uninstall.sh`,
  ];
  write(machine, `${bin}/rke2-uninstall.sh`, uninstallScript([rke2.serverUnit, rke2.agentUnit], paths));
  return { code: 0, stdout: "[INFO]  unpacking tarball file to /usr/local\n" };
}

function write(machine: ProgramCall["machine"], path: string, content: string): void {
  machine.files.write(path, content, { mode: 0o755, owner: "root:root" });
}

function unitFile(command: string): string {
  return `[Service]\nType=notify\nRestart=always\nRestartSec=5s\nExecStart=${command}\n[Install]\nWantedBy=multi-user.target\n`;
}

/** Ends and removes everything, as `*-uninstall.sh` does. */
function uninstallScript(units: readonly string[], paths: readonly string[]): string {
  return [
    "#!/bin/sh",
    ...units.map((unit) => `systemctl stop ${unit} || true`),
    ...units.map((unit) => `systemctl disable ${unit} || true`),
    `rm -rf ${paths.join(" ")}`,
    "systemctl daemon-reload",
    "",
  ].join("\n");
}

/** The programs of both distributions. */
export function installPrograms(): readonly Program[] {
  const ok = () => ({ code: 0 });
  const inPlace = (program: Omit<Program, "package">): Program => ({ ...program, package: "" });
  return [
    { name: "sandbox-k3s-install", run: installK3s },
    { name: "sandbox-rke2-install", run: installRke2 },
    ...[k3s, rke2].flatMap((flavour) =>
      flavour.versions.map((version) =>
        inPlace({
          name: programName(flavour, version),
          run: ({ args }) =>
            args[0] === "--version"
              ? { code: 0, stdout: `${flavour.name} version ${version} (0123abcd)\ngo version go1.25.0\n` }
              : { code: 1, stderr: `the sandbox runs ${flavour.name} as a service only\n` },
        }),
      ),
    ),
    inPlace({ name: "k3s-killall", run: ok }),
    inPlace({ name: "rke2-killall", run: ok }),
  ];
}
