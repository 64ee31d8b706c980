import type { ExecOptions, RemoteHost } from "@multicloud/core/plugin";
import { Bash, defineCommand, InMemoryFs } from "just-bash";
import { createClock } from "../../testing/src/world/clock.js";
import { createEffects } from "../../testing/src/world/effects.js";
import { createFaults } from "../../testing/src/world/faults.js";
import type { MachineModule, VirtualMachine } from "../../testing/src/world/machines.js";
import { instantTiming, type Timing } from "../../testing/src/world/timing.js";
import type { World } from "../../testing/src/world/world.js";
import { createZeroTier, type ZeroTierWorldOptions } from "../../testing/src/zerotier/zerotier.js";

const localConf = "/var/lib/zerotier-one/local.conf";

/** The emulated ZeroTier with machines that have nothing but it. */
export async function createLab(
  options: ZeroTierWorldOptions & { readonly timing?: Partial<Timing>; readonly scale?: number } = {},
) {
  const modules: MachineModule[] = [];
  const world = {
    clock: createClock(options.scale ?? 0),
    effects: createEffects(),
    faults: createFaults(),
    timing: { ...instantTiming, ...options.timing },
    machines: { use: (module: MachineModule) => modules.push(module) },
  } as unknown as World;
  const zerotier = await createZeroTier(world, options);
  const module = modules[0]!;
  return {
    world,
    zerotier,
    module,
    node: (name: string) => createNode(name, module, world),
    async close() {
      world.clock.stop();
      await zerotier.close();
    },
  };
}

export type Lab = Awaited<ReturnType<typeof createLab>>;
export type FakeNode = ReturnType<typeof createNode>;

function createNode(name: string, module: MachineModule, world: World) {
  const fs = new InMemoryFs();
  const content = new Map<string, string>();
  const interfaces = new Map<string, Set<string>>();
  const powerOff: (() => void)[] = [];
  const unit = module.units![0]!;
  const program = module.programs![0]!;
  const mirror = (path: string) => fs.writeFileSync(path, content.get(path) ?? "");
  const machine = {
    spec: { id: `id-${name}`, hostname: name, image: "debian-12", sshKeys: [] },
    state: "running",
    files: {
      read: (path: string) => content.get(path),
      write(path: string, text: string) {
        content.set(path, text);
        mirror(path);
      },
      remove: (path: string) => void content.delete(path),
      exists: (path: string) => content.has(path),
    },
    addOverlayAddress(_overlay: string, address: string, device: string) {
      const set = interfaces.get(device) ?? new Set();
      interfaces.set(device, set.add(address));
      return () => void set.delete(address);
    },
    attachments: new Map(),
    onPowerOff: (callback: () => void) => void powerOff.push(callback),
  } as unknown as VirtualMachine;

  const execs: { readonly command: string; readonly sudo: boolean }[] = [];
  let installed = false;

  const shells = new Map<string, Bash>();
  const shellOf = (user: string) => {
    const shell = shells.get(user) ?? createShell(user);
    shells.set(user, shell);
    return shell;
  };
  const createShell = (user: string) =>
    new Bash({
      fs,
      executionLimits: { maxLoopIterations: 100_000, maxCommandCount: 1_000_000 },
      customCommands: [
        defineCommand("zerotier-cli", async (args) => {
          if (!installed) return { stdout: "", stderr: "sh: 1: zerotier-cli: not found\n", exitCode: 127 };
          const signal = new AbortController().signal;
          const result = await program.run({ machine, args, stdin: "", user, signal });
          return { stdout: result.stdout ?? "", stderr: result.stderr ?? "", exitCode: result.code };
        }),
        defineCommand("ip", async (args) => ({ stdout: addresses(args), stderr: "", exitCode: 0 })),
        defineCommand("sleep", async (args) => {
          await world.clock.sleep(Number(args[0]) * 1000);
          // Lets the rest of the process run when virtual time takes none.
          await new Promise((resolve) => setImmediate(resolve));
          return { stdout: "", stderr: "", exitCode: 0 };
        }),
        defineCommand("systemctl", async () => {
          await unit.stop!(machine);
          await unit.start!(machine);
          return { stdout: "", stderr: "", exitCode: 0 };
        }),
      ],
    });

  async function run(command: string, user: string) {
    const result = await shellOf(user).exec(command);
    if (await fs.exists(localConf)) content.set(localConf, await fs.readFile(localConf));
    return result;
  }

  function addresses(args: readonly string[]): string {
    const device = args.at(-1)!;
    return [...(interfaces.get(device) ?? [])]
      .map(
        (address) =>
          `5: ${device}    inet ${address}/16 brd 10.147.255.255 scope global ${device}\\  forever\n`,
      )
      .join("");
  }

  const host: RemoteHost = {
    address: "192.0.2.7",
    async exec(command: string, options: ExecOptions = {}) {
      execs.push({ command, sudo: options.sudo ?? false });
      options.signal?.throwIfAborted();
      const result = await run(command, options.sudo ? "root" : "debian");
      return { stdout: result.stdout, stderr: result.stderr, code: result.exitCode, signal: undefined };
    },
    readFile: () => Promise.reject(new Error("not needed")),
    writeFile: () => Promise.reject(new Error("not needed")),
    forward: () => Promise.reject(new Error("not needed")),
    close: () => Promise.resolve(),
  };

  return {
    name,
    host,
    machine,
    execs,
    content,
    /** Runs a command as root and gives what it printed and how it ended. */
    shell: (command: string) => run(command, "root"),
    /** As another user. */
    shellAs: (user: string, command: string) => run(command, user),
    async install() {
      installed = true;
      await unit.start!(machine);
    },
    powerOff: () => {
      for (const callback of powerOff) callback();
    },
    stop: () => unit.stop!(machine),
    start: () => unit.start!(machine),
    write: (path: string, text: string) => machine.files.write(path, text),
    interfaces,
  };
}
