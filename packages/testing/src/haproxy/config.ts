import { isIP } from "node:net";

/** A server of a backend. */
export interface ProxyServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly sendProxy: boolean;
}

/** A section that listens, has servers, or both. */
export interface ProxySection {
  readonly kind: "frontend" | "backend" | "listen";
  readonly name: string;
  readonly binds: readonly { readonly host: string; readonly port: number }[];
  readonly servers: readonly ProxyServer[];
  readonly defaultBackend?: string;
  /** It is the page of statistics. */
  readonly stats: boolean;
}

/** A configuration that HAProxy 2.6 would take, as far as it is emulated. */
export type ProxyConfig = readonly ProxySection[];

/** A line that HAProxy would refuse; its message is HAProxy's own. */
export class ConfigAlert extends Error {}

type Section = { -readonly [Key in keyof ProxySection]: ProxySection[Key] } & {
  binds: { host: string; port: number }[];
  servers: ProxyServer[];
};

/** Keywords by section. What is not here is refused, although the real one may know it. */
const keywords: Readonly<Record<string, readonly string[]>> = {
  global: ["user", "group", "log", "stats", "hard-stop-after", "maxconn", "daemon", "chroot"],
  defaults: ["mode", "log", "option", "retries", "timeout", "default-server", "maxconn", "balance"],
  frontend: ["mode", "bind", "default_backend", "option", "timeout", "log", "maxconn"],
  backend: ["mode", "balance", "server", "option", "timeout", "default-server", "retries"],
  listen: [
    "mode",
    "bind",
    "balance",
    "server",
    "option",
    "timeout",
    "stats",
    "default-server",
    "log",
    "maxconn",
  ],
};

const options = ["dontlognull", "tcplog", "redispatch", "clitcpka", "srvtcpka", "tcp-check"];
const serverKeywords = [
  "check",
  "send-proxy",
  "send-proxy-v2",
  "inter",
  "fall",
  "rise",
  "weight",
  "backup",
  "on-marked-down",
];
const withValue = ["inter", "fall", "rise", "weight", "on-marked-down"];
const duration = /^\d+(us|ms|s|m|h|d)?$/;

/** @throws ConfigAlert */
export function parseProxyConfig(text: string, path: string): ProxyConfig {
  const sections: Section[] = [];
  let kind: string | undefined;
  let current: Section | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const words = raw
      .replace(/(^|\s)#.*$/, "")
      .trim()
      .split(/\s+/)
      .filter(Boolean);
    const [keyword, ...rest] = words;
    if (keyword === undefined) continue;
    const refuse = (why: string): never => {
      throw new ConfigAlert(`config : parsing [${path}:${index + 1}] : ${why}`);
    };
    if (keyword in keywords) {
      kind = keyword;
      current = undefined;
      if (keyword === "global" || keyword === "defaults") continue;
      const [name] = rest;
      if (!name || !/^[A-Za-z0-9_.:-]+$/.test(name)) refuse(`'${keyword}' expects a name as its argument.`);
      if (sections.some((one) => one.name === name && overlap(one.kind, keyword)))
        refuse(`${keyword} '${name}' has the same name as another proxy.`);
      current = { kind: keyword as Section["kind"], name: name!, binds: [], servers: [], stats: false };
      sections.push(current);
      continue;
    }
    if (kind === undefined || !keywords[kind]!.includes(keyword))
      refuse(`unknown keyword '${keyword}' in '${kind ?? "global"}' section`);
    if (keyword === "timeout" && !duration.test(rest[1] ?? "")) refuse(`'timeout ${rest[0]}' expects a time`);
    if (keyword === "option" && !options.includes(rest[0] ?? "")) refuse(`unknown option '${rest[0]}'.`);
    if (keyword === "mode" && !["tcp", "http"].includes(rest[0] ?? ""))
      refuse(`unknown proxy mode '${rest[0]}'.`);
    if (!current) continue;
    if (keyword === "bind")
      current.binds.push(parseAddress(rest[0] ?? "") ?? refuse(`'bind' : invalid address '${rest[0]}'`));
    if (keyword === "default_backend") current.defaultBackend = rest[0] ?? "";
    if (keyword === "stats") current.stats = true;
    if (keyword === "server") current.servers.push(parseServer(rest, refuse));
    const names = current.servers.map(({ name }) => name);
    if (new Set(names).size < names.length) refuse(`server '${names.at(-1)}' is there twice`);
  }
  for (const { name, defaultBackend } of sections) {
    const exists =
      defaultBackend === undefined ||
      sections.some((one) => one.name === defaultBackend && one.kind !== "frontend");
    if (!exists)
      throw new ConfigAlert(
        `config : proxy '${name}': unable to find required default_backend: '${defaultBackend}'.`,
      );
  }
  return sections;
}

const overlap = (one: string, other: string) => one === other || one === "listen" || other === "listen";

function parseServer(words: readonly string[], refuse: (why: string) => never): ProxyServer {
  const [name, place = "", ...rest] = words;
  const address = parseAddress(place);
  if (!name || !address || isIP(address.host) === 0)
    return refuse(`'server ${name}' : invalid address: '${place}'`);
  for (let at = 0; at < rest.length; at++) {
    if (!serverKeywords.includes(rest[at]!)) refuse(`'server ${name}' : unknown keyword '${rest[at]}'.`);
    if (withValue.includes(rest[at]!)) at += 1;
  }
  return { name, ...address, sendProxy: rest.some((word) => word.startsWith("send-proxy")) };
}

function parseAddress(place: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|(.*)):(\d+)$/.exec(place) ?? [];
  const number = Number(port);
  if (port === undefined || number < 1 || number > 65_535) return undefined;
  return { host: bracketed ?? plain ?? "", port: number };
}
