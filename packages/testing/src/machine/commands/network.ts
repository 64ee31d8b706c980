import type { VirtualMachine } from "../../world/machines.js";
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
    const { flags, values, operands, unknown } = parseOptions(
      call.args,
      "f s S L k v I silent fail location insecure show-error",
      "o H X d m w A retry retry-delay connect-timeout max-time output proto",
    );
    if (unknown) return failure(call, `option ${unknown}: is unknown`, 2);
    const has = (letter: string, word: string) => flags.has(letter) || flags.has(word);
    let [url = ""] = operands;
    const complain = (code: number, text: string) => ({
      code,
      ...(has("s", "silent") && !has("S", "show-error") ? {} : { stderr: `curl: (${code}) ${text}\n` }),
    });
    const host = () => url.replace(/^\w+:\/\//, "").split(/[/:]/)[0];
    try {
      for (let redirects = 0; redirects <= 5; redirects += 1) {
        const answer = await call.host.web(url, call.signal);
        if (!answer) return complain(6, `Could not resolve host: ${host()}`);
        const location = answer.headers?.location;
        if (location !== undefined && has("L", "location")) {
          url = location;
          continue;
        }
        if (answer.status >= 400 && has("f", "fail"))
          return complain(22, `The requested URL returned error: ${answer.status}`);
        const target = values.get("o") ?? values.get("output");
        if (target === undefined) return { stdout: answer.body };
        await call.view.writeFile(call.path(target), answer.body);
        return {};
      }
    } catch (error) {
      call.signal.throwIfAborted();
      const timedOut = (error as NodeJS.ErrnoException).code === "ETIMEDOUT";
      return complain(timedOut ? 28 : 7, `Failed to connect to ${host()}: ${(error as Error).message}`);
    }
    return complain(47, "Maximum (5) redirects followed");
  },
  ping: async (call) => {
    const { values, operands } = parseOptions(call.args, "q n 4 6", "c W w i");
    const [host = ""] = operands;
    const count = Number(values.get("c") ?? 1);
    const reached = await answersPing(call.host.machine, host);
    const head = `PING ${host} (${host}) 56(84) bytes of data.\n\n--- ${host} ping statistics ---\n`;
    if (!reached)
      return {
        code: 1,
        stdout: `${head}${count} packets transmitted, 0 received, 100% packet loss, time 0ms\n`,
      };
    const own = call.host.machine.addresses().includes(host) || /^(localhost|127\.)/.test(host);
    const time = (own ? 0.03 : roundTripOf(call.host.machine)).toFixed(3);
    return {
      stdout: `${head}${count} packets transmitted, ${count} received, 0% packet loss, time 0ms\nrtt min/avg/max/mdev = ${time}/${time}/${time}/0.010 ms\n`,
    };
  },
};

/** How far a machine is from the others, in milliseconds: what a test attached as `round-trip-ms`. */
function roundTripOf({ attachments }: VirtualMachine): number {
  const attached = attachments.get("round-trip-ms");
  return typeof attached === "number" ? attached : 0.5;
}

/** A host that is up answers, whether anything listens there or not. */
async function answersPing(machine: VirtualMachine, host: string): Promise<boolean> {
  try {
    const stream = await machine.dial({ host, port: 7 });
    stream.on("error", () => {}).destroy();
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
  }
}

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
