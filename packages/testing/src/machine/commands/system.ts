import { type CommandFamily, failure, needsRoot } from "../host.js";
import { parseOptions } from "./options.js";

/** Facts about the machine, and its clock. */
export const systemCommands: CommandFamily = {
  hostname: async (call) => {
    const { flags, operands } = parseOptions(call.args, "f s I i d fqdn short all-ip-addresses", "F");
    if (flags.has("I")) return { stdout: `${call.host.machine.addresses().join(" ")}\n` };
    if (flags.has("i")) return { stdout: `${call.host.machine.addresses()[0] ?? "127.0.1.1"}\n` };
    const [name] = operands;
    if (name === undefined)
      return { stdout: `${flags.has("s") ? call.host.hostname().split(".")[0] : call.host.hostname()}\n` };
    const refused = needsRoot(call, "you must be root to change the host name");
    if (refused) return refused;
    if (call.host.hostname() !== name) {
      call.host.setHostname(name);
      await call.changes.record("hostname", "update", name);
    }
    return {};
  },
  hostnamectl: async (call) => {
    const { operands } = parseOptions(call.args, "static transient pretty no-pager", "");
    const [verb = "status", name] = operands;
    if (verb === "status" || verb === "hostname")
      return {
        stdout:
          verb === "hostname" || call.args.includes("--static")
            ? `${call.host.hostname()}\n`
            : ` Static hostname: ${call.host.hostname()}\n`,
      };
    if (verb !== "set-hostname" || name === undefined) return failure(call, `Unknown operation ${verb}`);
    const refused = needsRoot(call, "Could not set static hostname: Access denied");
    if (refused) return refused;
    if (call.host.hostname() !== name) {
      call.host.setHostname(name);
      await call.view.writeFile("/etc/hostname", `${name}\n`);
    }
    return {};
  },
  uname: (call) => {
    const { flags } = parseOptions(
      call.args,
      "a s n r v m p i o all kernel-name nodename kernel-release machine",
    );
    const release = call.host.kernel.get("kernel.osrelease") ?? "";
    const parts: Readonly<Record<string, string>> = {
      s: "Linux",
      n: call.host.hostname(),
      r: release,
      v: "#1 SMP PREEMPT_DYNAMIC Debian",
      m: "x86_64",
      o: "GNU/Linux",
    };
    const wanted =
      flags.has("a") || flags.has("all")
        ? Object.keys(parts)
        : Object.keys(parts).filter((letter) => flags.has(letter));
    return { stdout: `${(wanted.length > 0 ? wanted : ["s"]).map((letter) => parts[letter]).join(" ")}\n` };
  },
  arch: () => ({ stdout: "x86_64\n" }),
  nproc: () => ({ stdout: "2\n" }),
  free: () => ({
    stdout:
      "               total        used        free      shared  buff/cache   available\nMem:         4017920      401792     3214336        1024      401792     3616128\nSwap:              0           0           0\n",
  }),
  df: () => ({
    stdout:
      "Filesystem     1K-blocks    Used Available Use% Mounted on\n/dev/vda1       51474044 2572288  46255060   6% /\n",
  }),
  lsblk: () => ({
    stdout:
      "NAME   MAJ:MIN RM SIZE RO TYPE MOUNTPOINTS\nvda    254:0    0  50G  0 disk\n`-vda1 254:1    0  50G  0 part /\n",
  }),
  blkid: () => ({ stdout: '/dev/vda1: UUID="c0ffee00-0000-4000-8000-000000000001" TYPE="ext4"\n' }),
  findmnt: () => ({ stdout: "TARGET SOURCE    FSTYPE OPTIONS\n/      /dev/vda1 ext4   rw,relatime\n" }),
  mount: (call) =>
    call.args.length === 0 ? { stdout: "/dev/vda1 on / type ext4 (rw,relatime)\n" } : (needsRoot(call) ?? {}),
  umount: (call) => needsRoot(call) ?? {},
  swapoff: (call) => needsRoot(call) ?? {},
  swapon: () => ({}),
  uptime: () => ({ stdout: " 12:00:00 up 1 min,  0 users,  load average: 0.00, 0.00, 0.00\n" }),
  lsb_release: (call) => {
    const text = Buffer.from(call.host.disk.read("/etc/os-release")).toString("utf8");
    const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)`, "m").exec(text)?.[1] ?? "";
    const { flags } = parseOptions(call.args, "i r c d s a");
    const value = flags.has("c")
      ? field("VERSION_CODENAME")
      : flags.has("r")
        ? field("VERSION_ID")
        : flags.has("i")
          ? field("ID")
          : field("PRETTY_NAME");
    return { stdout: `${value}\n` };
  },
  ps: () => ({ stdout: "    PID TTY          TIME CMD\n      1 ?        00:00:01 systemd\n" }),
  pidof: (call) => (call.args[0] === "sshd" ? { stdout: `${call.host.sshdPid()}\n` } : { code: 1 }),
  pgrep: (call) => (call.args.at(-1) === "sshd" ? { stdout: `${call.host.sshdPid()}\n` } : { code: 1 }),
  pkill: async (call) => {
    if (!call.args.includes("sshd") || !call.args.some((arg) => /HUP|-1/.test(arg))) return { code: 1 };
    if (call.host.reloadSsh()) await call.changes.record("host-key", "update", "ssh");
    return {};
  },
  journalctl: (call) => {
    const { values } = parseOptions(call.args, "no-pager x e q quiet", "u n o lines output unit b boot");
    const unit = (values.get("u") ?? values.get("unit") ?? "").replace(/\.service$/, "");
    const journal = call.host.machine.attachments.get(`journal ${unit}`) as readonly string[] | undefined;
    const count = Number(values.get("n") ?? values.get("lines") ?? 1000);
    if (!journal?.length) return { stdout: "-- No entries --\n" };
    return {
      stdout: journal
        .slice(-count)
        .map((line) => `${line}\n`)
        .join(""),
    };
  },
  dmesg: () => ({}),
  udevadm: () => ({}),
  timedatectl: () => ({
    stdout: "                Time zone: Etc/UTC (UTC, +0000)\nSystem clock synchronized: yes\n",
  }),
  date: (call) => {
    const { values, operands } = parseOptions(call.args, "u R utc universal", "d date I s iso-8601");
    if (values.has("s")) return failure(call, "cannot set date: Operation not permitted");
    const given = values.get("d") ?? values.get("date");
    const stamp =
      given === undefined || given === "now"
        ? call.host.clock.now()
        : /^@\d+/.test(given)
          ? Number(given.slice(1)) * 1000
          : Date.parse(/[Zz]|[+-]\d\d:?\d\d$/.test(given) ? given : `${given}Z`);
    if (Number.isNaN(stamp)) return failure(call, `invalid date '${given}'`);
    const iso = call.args.some((arg) => /^(-I|--iso-8601)/.test(arg));
    const format = operands[0]?.startsWith("+")
      ? operands[0].slice(1)
      : iso
        ? "%Y-%m-%dT%H:%M:%S+00:00"
        : "%a %b %e %H:%M:%S UTC %Y";
    return { stdout: `${formatDate(new Date(stamp), format)}\n` };
  },
  reboot: (call) => {
    const refused = needsRoot(call, "Access denied");
    if (refused) return refused;
    call.host.reboot();
    return {};
  },
};

function formatDate(date: Date, format: string): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const iso = date.toISOString();
  const day = date.toUTCString();
  return format.replace(/%([a-zA-Z%])/g, (whole, letter: string) => {
    const value: Readonly<Record<string, string>> = {
      s: String(Math.floor(date.getTime() / 1000)),
      N: String((date.getTime() % 1000) * 1_000_000).padStart(9, "0"),
      Y: iso.slice(0, 4),
      m: iso.slice(5, 7),
      d: iso.slice(8, 10),
      e: String(date.getUTCDate()).padStart(2),
      H: iso.slice(11, 13),
      M: iso.slice(14, 16),
      S: iso.slice(17, 19),
      F: iso.slice(0, 10),
      T: iso.slice(11, 19),
      a: day.slice(0, 3),
      b: day.slice(8, 11),
      y: iso.slice(2, 4),
      j: String(Math.ceil((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 0)) / 86_400_000)).padStart(
        3,
        "0",
      ),
      u: String(date.getUTCDay() || 7),
      I: two(date.getUTCHours() % 12 || 12),
      Z: "UTC",
      z: "+0000",
      "%": "%",
    };
    return value[letter] ?? whole;
  });
}
