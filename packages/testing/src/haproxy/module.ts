import type { Duplex } from "node:stream";
import type { MachineModule, ProgramCall, ProgramResult, VirtualMachine } from "../world/machines.js";
import type { World } from "../world/world.js";
import {
  ConfigAlert,
  type ProxyConfig,
  type ProxySection,
  type ProxyServer,
  parseProxyConfig,
} from "./config.js";

const version = "2.6.12-1+deb12u3";
const configFile = "/etc/haproxy/haproxy.cfg";
const attachment = "haproxy.stop";

/** How long a worker may take to answer before it counts as dead. */
const connectMs = 4_000;

/**
 * Debian's HAProxy on an emulated machine: `haproxy -c`, and a unit that passes TCP connections to the servers of
 * its configuration and shows statistics. Unlike Debian's, the package brings no configuration: the unit starts
 * once there is one. Health is checked when somebody looks at the
 * statistics, for the next look.
 */
export function haproxyModule(world: World): MachineModule {
  function start(machine: VirtualMachine): void {
    const text = machine.files.read(configFile);
    if (text === undefined) throw new Error(`${configFile} does not exist`);
    const config = parseProxyConfig(text, configFile);
    const stops = config.flatMap((section) =>
      section.binds.map(({ port }) =>
        machine.listen(port, (stream) => void serve(machine, config, section, stream)),
      ),
    );
    const stop = () => {
      for (const end of stops) end();
      machine.attachments.delete(attachment);
    };
    machine.attachments.set(attachment, stop);
    machine.onPowerOff(stop);
  }

  async function dial(machine: VirtualMachine, host: string, port: number): Promise<Duplex | undefined> {
    const late = new AbortController();
    const opened = machine.dial({ host, port });
    const patience = world.clock.sleep(connectMs, late.signal).catch(() => {});
    try {
      const stream = await Promise.race([opened, patience.then(() => undefined)]);
      // One that comes after all has nobody waiting.
      if (!stream) opened.then((unused) => unused.destroy()).catch(() => {});
      return stream ?? undefined;
    } catch {
      return undefined;
    } finally {
      late.abort();
    }
  }

  async function serve(
    machine: VirtualMachine,
    config: ProxyConfig,
    section: ProxySection,
    incoming: Duplex,
  ): Promise<void> {
    incoming.on("error", () => {});
    if (section.stats) {
      let asked = "";
      incoming.on("data", (data: Buffer) => {
        asked += data;
        if (asked.endsWith("\r\n\r\n")) answerStats(machine, config, incoming);
      });
      return;
    }
    const backend =
      config.find(({ name, kind }) => name === section.defaultBackend && kind !== "frontend") ?? section;
    const turns = (machine.attachments.get("haproxy.turns") ?? new Map()) as Map<string, number>;
    machine.attachments.set("haproxy.turns", turns);
    const turn = turns.get(backend.name) ?? 0;
    turns.set(backend.name, turn + 1);
    for (let tried = 0; tried < backend.servers.length; tried++) {
      const server = backend.servers[(turn + tried) % backend.servers.length]!;
      const outgoing = await dial(machine, server.host, server.port);
      if (!outgoing) continue;
      outgoing.on("error", () => incoming.destroy()).on("close", () => incoming.destroy());
      incoming.on("close", () => outgoing.destroy());
      incoming.pipe(outgoing).pipe(incoming);
      return;
    }
    incoming.destroy();
  }

  /** HAProxy's CSV with the columns that matter here (Management Guide §9.1). Like the real one it tells what the last checks found, and does not wait for the next. */
  function answerStats(machine: VirtualMachine, config: ProxyConfig, incoming: Duplex): void {
    const rows = config.flatMap(({ kind, name, servers }) => [
      ...(kind === "backend" ? [] : [`${name},FRONTEND,OPEN,`]),
      ...servers.map((server) => `${name},${server.name},${isDown(machine, server) ? "DOWN" : "UP"},`),
      ...(kind === "frontend" ? [] : [`${name},BACKEND,UP,`]),
    ]);
    for (const { servers } of config) for (const server of servers) void checkHealth(machine, server);
    const body = `# pxname,svname,status,\n${rows.join("\n")}\n`;
    incoming.end(
      `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }

  async function checkHealth(machine: VirtualMachine, server: ProxyServer): Promise<void> {
    const stream = await dial(machine, server.host, server.port);
    stream?.on("error", () => {}).destroy();
    const down = downOf(machine);
    if (stream) down.delete(placeOf(server));
    else down.add(placeOf(server));
  }

  return {
    packages: [{ name: "haproxy", version }],
    programs: [{ name: "haproxy", package: "haproxy", run }],
    units: [
      {
        name: "haproxy",
        package: "haproxy",
        start,
        stop: (machine) => (machine.attachments.get(attachment) as (() => void) | undefined)?.(),
      },
    ],
  };
}

const placeOf = ({ host, port }: ProxyServer) => `${host} ${port}`;

/** Servers that a check found dead. */
function downOf(machine: VirtualMachine): Set<string> {
  const down = (machine.attachments.get("haproxy.down") ?? new Set()) as Set<string>;
  machine.attachments.set("haproxy.down", down);
  return down;
}

const isDown = (machine: VirtualMachine, server: ProxyServer) => downOf(machine).has(placeOf(server));

function run({ machine, args }: ProgramCall): ProgramResult {
  if (args.includes("-v")) return { code: 0, stdout: `HAProxy version ${version}\n` };
  const file = args[args.indexOf("-f") + 1] ?? "";
  const text = args.includes("-f") ? machine.files.read(file) : undefined;
  if (!args.includes("-c") || text === undefined) {
    return {
      code: 1,
      stderr: `[ALERT]    (1) : Cannot open configuration file/directory ${file} : No such file or directory\n`,
    };
  }
  try {
    parseProxyConfig(text, file);
    return { code: 0, stdout: args.includes("-q") ? "" : "Configuration file is valid\n" };
  } catch (error) {
    if (!(error instanceof ConfigAlert)) throw error;
    return {
      code: 1,
      stderr: `[ALERT]    (1) : ${error.message}\n[ALERT]    (1) : config : Fatal errors found in configuration.\n`,
    };
  }
}
