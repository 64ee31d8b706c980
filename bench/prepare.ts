// `npm run bench:prepare -- [--sizes 6,20,60] [--rounds 3] [--no-ansible] [--concurrency 16]`, inside with-hosts.sh:
// the same preparation of real sshd hosts by us, by one plain `ssh … bash -s` a host, and by Ansible.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "tsup";
import { realHosts } from "../packages/testing/hosts/real-hosts.js";
import { fingerprint, plainScript, playbook, undo, uploadContent } from "./prepare-work.js";

const { values: options } = parseArgs({
  options: {
    sizes: { type: "string", default: "6,20,60" },
    rounds: { type: "string", default: "3" },
    concurrency: { type: "string", default: "16" },
    ansible: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const { addresses: all, connect, user, privateKeyFile, hostKey } = realHosts();
const folder = mkdtempSync(join(tmpdir(), "multicloud-bench-"));
const cache = join(import.meta.dirname, "../node_modules/.cache/multicloud-bench");

/** A way to prepare hosts: the command line that does it. */
interface Contender {
  readonly name: string;
  readonly rounds: number;
  command(addresses: readonly string[]): string[];
  /** Not measured. */
  after?(): void;
}
interface Measure {
  readonly wall: number;
  readonly cpu: number;
}

const rounds = Number(options.rounds);
const contenders: Contender[] = [await ours(), floor()];
if (options.ansible) {
  if (spawnSync("ansible-playbook", ["--version"]).status === 0) contenders.push(ansible());
  else
    process.stderr.write("\n*** SKIPPED: Ansible is not installed (Debian: apt-get install ansible) ***\n\n");
}

try {
  const connections = await Promise.all(all.map(connect));
  const everywhere = async (count: number, command: string): Promise<string[]> =>
    Promise.all(
      connections.slice(0, count).map(async (host) => (await host.exec(command, { sudo: true })).stdout),
    );
  const ratios: string[] = [];
  for (const size of options.sizes.split(",").map(Number)) {
    if (size > all.length)
      throw new Error(`only ${all.length} hosts are up; with-hosts.sh takes their number`);
    const measures = new Map<string, Measure[]>();
    const states = new Set<string>();
    for (let round = 0; round < rounds; round++) {
      // Every round begins with another one, so that none always runs on a warm or a tired machine.
      const order = contenders.map((_, index) => contenders[(index + round) % contenders.length]!);
      for (const contender of order.filter((each) => round < each.rounds)) {
        await everywhere(size, undo);
        for (const kind of ["changed", "unchanged"]) {
          const key = `${contender.name} ${kind}`;
          const measured = await measure(contender.command(all.slice(0, size)));
          measures.set(key, [...(measures.get(key) ?? []), measured]);
          for (const state of await everywhere(size, fingerprint)) states.add(state);
        }
        contender.after?.();
      }
    }
    if (states.size !== 1)
      throw new Error(`the contenders left different hosts behind:\n${[...states].join("\n---\n")}`);
    ratios.push(...show(size, measures));
  }
  process.stdout.write(`\n${ratios.join("\n")}\n`);
  await Promise.all(connections.map((host) => host.close()));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function show(size: number, measures: Map<string, Measure[]>): string[] {
  process.stdout.write(
    `\n${`${size} hosts`.padEnd(22)}${"changed: wall s".padStart(16)}${"CPU s".padStart(8)}${"unchanged: wall s".padStart(20)}${"CPU s".padStart(8)}\n`,
  );
  const cell = (value: number, width: number): string => value.toFixed(2).padStart(width);
  const median = (name: string, kind: string): Measure => {
    const list = measures.get(`${name} ${kind}`)!;
    const middle = (field: keyof Measure): number =>
      list.map((each) => each[field]).sort((a, b) => a - b)[Math.floor(list.length / 2)]!;
    return { wall: middle("wall"), cpu: middle("cpu") };
  };
  for (const { name, rounds: times } of contenders) {
    const [first, again] = [median(name, "changed"), median(name, "unchanged")];
    process.stdout.write(
      `${`${name} (median of ${times})`.padEnd(22)}${cell(first.wall, 16)}${cell(first.cpu, 8)}${cell(again.wall, 20)}${cell(again.cpu, 8)}\n`,
    );
  }
  return contenders.slice(1).flatMap(({ name }) =>
    ["changed", "unchanged"].map((kind) => {
      const [us, other] = [median("ours", kind).wall, median(name, kind).wall];
      // Over the floor: how much slower we are. Over Ansible: how much slower it is.
      const ratio = name === "floor" ? (us / other).toFixed(2) : (other / us).toFixed(1);
      return `ratio vs ${name} ${ratio} (${size} hosts, ${kind})`;
    }),
  );
}

/** Wall and CPU seconds of a command with all its children, on the operator's side only: the hosts are no children of it. */
function measure(command: readonly string[]): Promise<Measure> {
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["-c", 'TIMEFORMAT="%R %U %S"; time "$@"', "bash", ...command], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ANSIBLE_CONFIG: join(folder, "ansible.cfg") },
    });
    let said = "";
    let output = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    child.on("close", (code) => {
      const [wall, own, system] = said.trim().split("\n").at(-1)!.split(" ").map(Number);
      if (code !== 0)
        reject(new Error(`${command[0]} ended with ${code}:\n${output.slice(-3000)}${said.slice(-3000)}`));
      else resolve({ wall: wall!, cpu: own! + system! });
    });
  });
}

/** Bundled as a user's program would be, so that no compiler is measured. */
async function ours(): Promise<Contender> {
  await build({
    entry: { client: join(import.meta.dirname, "prepare-client.ts") },
    outDir: cache,
    format: "esm",
    target: "node20",
    config: false,
    silent: true,
    splitting: true,
    noExternal: [/^@multicloud/],
    external: ["ssh2", "socks"],
    esbuildOptions(esbuild) {
      esbuild.conditions = ["multicloud-source"];
    },
  });
  const client = join(cache, "client.js");
  return {
    name: "ours",
    rounds,
    command: (addresses) => [process.execPath, client, options.concurrency, folder, ...addresses],
  };
}

function floor(): Contender {
  const script = join(folder, "plain.sh");
  writeFileSync(script, plainScript);
  writeFileSync(join(folder, "known_hosts"), all.map((address) => `${address} ${hostKey}\n`).join(""));
  mkdirSync(join(folder, "plain"));
  const ssh = `ssh -i ${privateKeyFile} -o BatchMode=yes -o UserKnownHostsFile=${folder}/known_hosts`;
  const each = `${ssh} ${user}@{} sudo bash -s <${script} >${folder}/plain/{}`;
  return {
    name: "floor",
    rounds,
    command: (addresses) => [
      "bash",
      "-c",
      `printf '%s\\n' "$@" | xargs -P 10 -I{} sh -c '${each}'`,
      "bash",
      ...addresses,
    ],
  };
}

/** Its best tuning: 50 forks, pipelining, connections kept open between tasks and runs. */
function ansible(): Contender {
  writeFileSync(
    join(folder, "ansible.cfg"),
    [
      "[defaults]",
      "forks = 50",
      "gathering = explicit",
      "interpreter_python = /usr/bin/python3",
      `remote_user = ${user}`,
      `private_key_file = ${privateKeyFile}`,
      "[ssh_connection]",
      "pipelining = True",
      `ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=${folder}/known_hosts`,
      `control_path_dir = ${folder}/cp`,
      "",
    ].join("\n"),
  );
  writeFileSync(join(folder, "upload"), uploadContent);
  writeFileSync(join(folder, "playbook.yml"), playbook(folder));
  return {
    name: "ansible",
    rounds: 1,
    command: (addresses) => [
      "ansible-playbook",
      "-i",
      `${addresses.join(",")},`,
      join(folder, "playbook.yml"),
    ],
    after: () => {
      // The next contender shall not share the machine with open connections.
      const close = `for socket in ${folder}/cp/*; do ssh -o ControlPath="$socket" -O exit any; done`;
      spawnSync("sh", ["-c", close]);
    },
  };
}
