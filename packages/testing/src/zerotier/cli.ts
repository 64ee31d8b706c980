import type { Clock } from "../world/clock.js";
import type { ProgramCall, ProgramResult } from "../world/machines.js";
import { dump, networkLine, networkObject, peerObjects, statusObject, version } from "./cli-output.js";
import { type Daemon, home, type Membership } from "./daemon.js";

const settings = new Set(["allowManaged", "allowGlobal", "allowDefault", "allowDNS"]);
const down =
  "Error connecting to the ZeroTier service: connection failed\n\nPlease check that the service is running and that TCP port 9993 can be contacted via 127.0.0.1.\n";
const help = `ZeroTier One version ${version} build 0 (platform 1 arch 2)\nUsage: zerotier-cli [-switches] <command/path> [<args>]\n`;

/**
 * `zerotier-cli` of ZeroTierOne 1.14.1 with its exit codes and its oddities: errors are never JSON, `set` of
 * an unknown property says nothing and succeeds, `set` joins, `get` of an unknown property succeeds.
 */
export function runCli(call: ProgramCall, daemon: Daemon, clock: Clock): ProgramResult {
  const words = call.args.filter((argument) => !argument.startsWith("-"));
  const switches = call.args.filter((argument) => argument.startsWith("-"));
  if (switches.includes("-v")) return { code: 0, stdout: `${version}\n` };
  if (switches.some((given) => given !== "-j" && given !== "-q")) return { code: 0, stdout: help };
  const json = switches.includes("-j");
  const [command, first = "", second = ""] = words;
  const { files } = call.machine;
  if (!files.exists(`${home}/zerotier-one.port`)) {
    return {
      code: 2,
      stderr: `zerotier-cli: missing port and zerotier-one.port not found in ${home}\n`,
    };
  }
  if (call.user !== "root") {
    return {
      code: 2,
      stderr: `zerotier-cli: authtoken.secret not found or readable in ${home} (try again as root)\n`,
    };
  }
  const wrong = checkArguments(command, first, second);
  if (wrong) return wrong;
  if (!daemon.ready) return { code: 1, stdout: down };
  const now = Math.round(clock.now());
  switch (command) {
    case "info":
    case "status":
      if (json) return ok(`${dump(statusObject(call.machine, daemon, now))}\n`);
      return ok(`200 info ${daemon.address} ${version} ${daemon.online ? "ONLINE" : "OFFLINE"}\n`);
    case "listnetworks": {
      const memberships = [...daemon.memberships.values()];
      if (json) return ok(`${dump(memberships.map(networkObject))}\n`);
      const title = "200 listnetworks <nwid> <name> <mac> <status> <type> <dev> <ZT assigned ips>\n";
      return ok(title + memberships.map(networkLine).join(""));
    }
    case "peers":
    case "listpeers":
      if (json) return ok(`${dump(peerObjects(now))}\n`);
      return ok(
        "200 peers\n<ztaddr>   <ver>  <role> <lat> <link>   <lastTX> <lastRX> <path>\n778cde7190 -      PLANET    25 DIRECT   1200     1200     103.195.103.66/9993\n",
      );
    case "join": {
      const membership = daemon.join(networkNumber(first));
      return ok(json ? dump(networkObject(membership)) : "200 join OK\n");
    }
    case "leave":
      daemon.leave(networkNumber(first));
      return ok(json ? dump({ result: true }) : "200 leave OK\n");
    case "set":
      return set(daemon, first, second);
    case "get":
      return get(daemon.memberships.get(first), second);
    default:
      return { code: 2, stderr: help };
  }
}

function checkArguments(
  command: string | undefined,
  first: string,
  second: string,
): ProgramResult | undefined {
  if ((command === "join" || command === "leave") && first.length !== 16)
    return { code: 2, stdout: "invalid network id\n" };
  if (command !== "set" && command !== "get") return undefined;
  if (first.length !== 16) return { code: 2, stderr: "invalid format: must be a 16-digit (network) ID\n" };
  if (second === "") return { code: 2, stderr: `invalid format: include a property name to ${command}\n` };
  return undefined;
}

function set(daemon: Daemon, networkId: string, assignment: string): ProgramResult {
  const at = assignment.indexOf("=");
  if (at < 0) return { code: 2, stderr: help };
  const name = assignment.slice(0, at);
  if (!settings.has(name)) return { code: 0 };
  const on = ["=1", "=t"].includes(assignment.slice(at, at + 2));
  const setting = name.slice("allow".length) as keyof Membership["allow"];
  return ok(dump(networkObject(daemon.allow(networkNumber(networkId), setting, on))));
}

function get(membership: Membership | undefined, property: string): ProgramResult {
  if (!membership) {
    return { code: 0, stderr: "unknown network ID, check that you are a member of the network\n" };
  }
  if (["ip", "ip4", "ip6", "ip6plane", "ip6prefix"].includes(property)) {
    const wanted = membership.assigned.filter(
      (text) => property === "ip" || text.includes(property === "ip4" ? "." : ":"),
    );
    return ok(`${wanted.map((text) => text.split("/")[0]).join("\n")}\n`);
  }
  const value = (networkObject(membership) as Record<string, unknown>)[property];
  if (typeof value === "string" || typeof value === "number") return ok(`${value}\n`);
  if (typeof value === "boolean") return ok(`${value ? 1 : 0}\n`);
  return ok("error, unknown property name\n");
}

/** Ids are read as hexadecimal numbers; what is no digit counts as nothing. */
function networkNumber(text: string): string {
  return text.toLowerCase().replace(/[^0-9a-f]/g, "0");
}

function ok(stdout: string): ProgramResult {
  return { code: 0, stdout };
}
