import type { CommandFamily, NetworkInterface } from "../host.js";
import { failure } from "../host.js";
import { parseOptions } from "./options.js";

/** `ip`, and what else asks about the network. */
export const networkCommands: CommandFamily = {
  ip: (call) => {
    const { flags, operands } = parseOptions(
      call.args.map((arg) =>
        arg.startsWith("-") && arg.length > 2 && !/^-(br|json|brief|oneline)$/.test(arg)
          ? arg
          : arg.replace(/^-(json|brief|oneline|br)$/, "--$1"),
      ),
      "4 6 o j p s d br json brief oneline",
      "c",
    );
    const [object = "", ...rest] = operands;
    const json = flags.has("j") || flags.has("json");
    const words = rest.filter(
      (word) => !["show", "list", "ls", "dev", "scope", "global", "up"].includes(word),
    );
    const all = call.host.interfaces();
    const family = flags.has("4") ? 4 : flags.has("6") ? 6 : undefined;
    if (/^(a|addr|address)$/.test(object) || /^(l|link)$/.test(object)) {
      const showsAddresses = object.startsWith("a");
      const [device] = words;
      const shown = device === undefined ? all : all.filter((one) => one.name === device);
      if (device !== undefined && shown.length === 0)
        return { code: 1, stderr: `Device "${device}" does not exist.\n` };
      if (json)
        return {
          stdout: `${JSON.stringify(shown.map((one) => jsonInterface(one, all.indexOf(one) + 1, showsAddresses ? family : null)))}\n`,
        };
      const oneline = flags.has("o") || flags.has("oneline");
      return {
        stdout: shown
          .map((one) =>
            textInterface(one, all.indexOf(one) + 1, { oneline, addresses: showsAddresses, family }),
          )
          .join(""),
      };
    }
    if (/^(r|route|ro)$/.test(object)) {
      const main = all.find((one) => one.name !== "lo");
      if (rest[0] === "get")
        return {
          stdout: `${rest[1]} dev ${main?.name ?? "lo"} src ${main?.addresses[0]?.split("/")[0] ?? "127.0.0.1"}\n`,
        };
      if (json)
        return {
          stdout: `${JSON.stringify(main ? [{ dst: "default", gateway: gatewayOf(main), dev: main.name, flags: [] }] : [])}\n`,
        };
      const routes = all
        .filter((one) => one.name !== "lo")
        .flatMap((one) =>
          one.addresses.map(
            (address) =>
              `${networkOf(address)} dev ${one.name} proto kernel scope link src ${address.split("/")[0]}\n`,
          ),
        );
      return {
        stdout: `${main ? `default via ${gatewayOf(main)} dev ${main.name}\n` : ""}${routes.join("")}`,
      };
    }
    return failure(call, `Object "${object}" is unknown, try "ip help".`);
  },
  ss: () => ({
    stdout:
      "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0      128          0.0.0.0:22        0.0.0.0:*\n",
  }),
  curl: async (call) => {
    const { operands } = parseOptions(
      call.args,
      "f s S L k v I silent fail location",
      "o H X d m w A retry connect-timeout max-time output",
    );
    const [url = ""] = operands;
    const host = url.replace(/^\w+:\/\//, "").split(/[/:]/)[0];
    return { code: 6, stderr: `curl: (6) Could not resolve host: ${host}\n` };
  },
  ping: async (call) => {
    const { operands } = parseOptions(call.args, "q n 4 6", "c W w i");
    const [host = ""] = operands;
    const own = call.host.machine.addresses().includes(host) || host === "localhost";
    return own
      ? { stdout: `1 packets transmitted, 1 received, 0% packet loss\n` }
      : { code: 1, stdout: "1 packets transmitted, 0 received, 100% packet loss\n" };
  },
};

const isV6 = (address: string) => address.includes(":");

function textInterface(
  one: NetworkInterface,
  index: number,
  options: { oneline: boolean; addresses: boolean; family: number | undefined },
): string {
  const loopback = one.name === "lo";
  const flags = loopback ? "<LOOPBACK,UP,LOWER_UP>" : "<BROADCAST,MULTICAST,UP,LOWER_UP>";
  const link = `link/${loopback ? "loopback" : "ether"} ${one.mac} brd ${loopback ? "00:00:00:00:00:00" : "ff:ff:ff:ff:ff:ff"}`;
  const head = `${index}: ${one.name}: ${flags} mtu ${one.mtu} qdisc fq_codel state ${loopback ? "UNKNOWN" : "UP"} mode DEFAULT group default qlen 1000`;
  const addresses = one.addresses.filter(
    (address) => options.family === undefined || isV6(address) === (options.family === 6),
  );
  const scope = loopback ? "host" : "global";
  if (options.oneline) {
    if (!options.addresses) return `${head}\\    ${link}\n`;
    return addresses
      .map(
        (address) =>
          `${index}: ${one.name}    ${isV6(address) ? "inet6" : "inet"} ${address}${isV6(address) || loopback ? "" : ` brd ${broadcastOf(address)}`} scope ${scope} ${one.name}\\       valid_lft forever preferred_lft forever\n`,
      )
      .join("");
  }
  const lines = addresses.map(
    (address) =>
      `    ${isV6(address) ? "inet6" : "inet"} ${address} scope ${scope} ${one.name}\n       valid_lft forever preferred_lft forever\n`,
  );
  return `${head}\n    ${link}\n${options.addresses ? lines.join("") : ""}`;
}

function jsonInterface(one: NetworkInterface, index: number, family: number | undefined | null) {
  const loopback = one.name === "lo";
  return {
    ifindex: index,
    ifname: one.name,
    flags: loopback ? ["LOOPBACK", "UP", "LOWER_UP"] : ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
    mtu: one.mtu,
    qdisc: "fq_codel",
    operstate: loopback ? "UNKNOWN" : "UP",
    link_type: loopback ? "loopback" : "ether",
    address: one.mac,
    ...(family !== null && {
      addr_info: one.addresses
        .filter((address) => family === undefined || isV6(address) === (family === 6))
        .map((address) => ({
          family: isV6(address) ? "inet6" : "inet",
          local: address.split("/")[0],
          prefixlen: Number(address.split("/")[1]),
          scope: loopback ? "host" : "global",
          label: one.name,
        })),
    }),
  };
}

const toNumber = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const fromNumber = (value: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");

function networkOf(cidr: string): string {
  const [address = "", bits = "32"] = cidr.split("/");
  if (isV6(address)) return cidr;
  const size = 2 ** (32 - Number(bits));
  return `${fromNumber(Math.floor(toNumber(address) / size) * size)}/${bits}`;
}

function broadcastOf(cidr: string): string {
  const [address = "", bits = "32"] = cidr.split("/");
  const size = 2 ** (32 - Number(bits));
  return fromNumber(Math.floor(toNumber(address) / size) * size + size - 1);
}

function gatewayOf(one: NetworkInterface): string {
  const [network = "0.0.0.0"] = networkOf(
    one.addresses.find((address) => !isV6(address)) ?? "0.0.0.0/0",
  ).split("/");
  return fromNumber(toNumber(network) + 1);
}
