import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A key that a server knows. */
export interface ServerKey {
  readonly name: string;
  readonly algorithm: string;
  readonly secret: string;
}

/** A real name server with the zones `example.com` and, on BIND, `strict.example`. */
export interface NameServer {
  readonly host: string;
  readonly port: number;
  readonly keys: { readonly update: ServerKey; readonly sha512: ServerKey; readonly powerless: ServerKey };
  /** What `dig +short` says, line by line, sorted. */
  dig(name: string, type: string): Promise<readonly string[]>;
  /** All records of a zone but its SOA, by a transfer: name, TTL, type, data. */
  records(
    zone: string,
  ): Promise<readonly (readonly [name: string, ttl: string, type: string, data: string])[]>;
  /** The zone's serial number: it grows with each change. */
  serial(zone?: string): Promise<string>;
  close(): Promise<void>;
}

const newKey = (name: string, algorithm = "hmac-sha256"): ServerKey => ({
  name,
  algorithm,
  secret: randomBytes(32).toString("base64"),
});

const zoneFile = (zone: string) => `$TTL 300
@ IN SOA ns1.${zone}. admin.${zone}. 1 3600 600 86400 60
@ IN NS ns1.${zone}.
@ IN TXT "v=spf1 -all"
ns1 IN A 127.0.0.1
taken IN A 192.0.2.10
taken IN TXT "somebody's"
alias IN CNAME taken
sub IN NS ns.elsewhere.test.
*.wild IN A 192.0.2.20
*.wild IN TXT "v=spf1 -all"
`;

type Kind = "bind" | "knot";

/** Starts a server on loopback; everything it writes is in a folder that `close` removes. */
export async function startNameServer(kind: Kind, port: number): Promise<NameServer> {
  const folder = await mkdtemp(join(tmpdir(), `multicloud-${kind}-`));
  await chmod(folder, 0o755);
  const keys = {
    update: newKey("multicloud"),
    sha512: newKey("other-key.example", "hmac-sha512"),
    powerless: newKey("powerless"),
  };
  for (const zone of ["example.com", "strict.example"])
    await writeFile(join(folder, `${zone}.zone`), zoneFile(zone));
  const server = await (kind === "bind" ? startBind : startKnot)(folder, port, keys);
  const lines = async (...args: string[]) =>
    (await run("dig", ["@127.0.0.1", "-p", String(port), ...args])).stdout.trim().split("\n").filter(Boolean);
  const dig = async (...args: string[]) => (await lines("+short", "+norecurse", ...args)).sort();
  const serial = async (zone: string) => (await dig(zone, "SOA"))[0]?.split(" ")[2] ?? "";
  // It takes connections before it has read its zones.
  for (const zone of kind === "bind" ? ["example.com", "strict.example"] : ["example.com"])
    while ((await serial(zone)) === "") await sleep(50);
  return {
    host: "127.0.0.1",
    port,
    keys,
    dig: (name, type) => dig(name, type),
    records: async (zone) =>
      (await lines("+noall", "+answer", zone, "AXFR")).flatMap((line) => {
        if (line.startsWith(";")) throw new Error(`no transfer of ${zone}: ${line}`);
        const [name = "", ttl = "", , type = "", ...data] = line.split(/\s+/);
        return type === "SOA" ? [] : [[name, ttl, type, data.join(" ")] as const];
      }),
    serial: (zone = "example.com") => serial(zone),
    async close() {
      server.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Keys = NameServer["keys"];

async function startBind(folder: string, port: number, keys: Keys): Promise<ChildProcess> {
  const key = ({ name, algorithm, secret }: ServerKey) =>
    `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };`;
  await writeFile(
    join(folder, "named.conf"),
    `options {
  directory "${folder}"; pid-file none; session-keyfile "${folder}/session.key"; recursion no;
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; dnssec-validation no;
  allow-transfer { 127.0.0.1; };
};
controls { };
${Object.values(keys).map(key).join("\n")}
zone "example.com" { type primary; file "example.com.zone";
  allow-update { key "${keys.update.name}"; key "${keys.sha512.name}"; }; };
zone "strict.example" { type primary; file "strict.example.zone"; update-policy {
  grant ${keys.update.name} name www.strict.example. A AAAA;
  grant ${keys.update.name} name *.apps.strict.example. A AAAA;
  grant ${keys.update.name} name _multicloud-wildcard.apps.strict.example. TXT;
  grant ${keys.update.name} name _multicloud.www.strict.example. TXT;
  grant ${keys.update.name} name half.strict.example. A AAAA;
}; };
`,
  );
  return started(spawn("named", ["-g", "-c", join(folder, "named.conf")]), port);
}

async function startKnot(folder: string, port: number, keys: Keys): Promise<ChildProcess> {
  await mkdir(join(folder, "run"));
  const key = ({ name, algorithm, secret }: ServerKey) =>
    `  - id: ${name}\n    algorithm: ${algorithm}\n    secret: ${secret}`;
  await writeFile(
    join(folder, "knot.conf"),
    `server:
  rundir: ${folder}/run
  listen: 127.0.0.1@${port}
log:
  - target: stderr
    any: info
database:
  storage: ${folder}/run
key:
${Object.values(keys).map(key).join("\n")}
acl:
  - id: updates
    key: [${keys.update.name}, ${keys.sha512.name}]
    action: update
  - id: transfers
    address: 127.0.0.1
    action: transfer
zone:
  - domain: example.com
    storage: ${folder}
    file: example.com.zone
    acl: [updates, transfers]
`,
  );
  return started(spawn("knotd", ["-c", join(folder, "knot.conf")]), port);
}

/** Resolves once the server takes connections; rejects with its own words when it ends before. */
function started(server: ChildProcess, port: number): Promise<ChildProcess> {
  let said = "";
  for (const stream of [server.stdout, server.stderr]) stream?.on("data", (data) => (said += data));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    const attempt = () => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => {
        socket.destroy();
        resolve(server);
      });
      socket.once("error", () => setTimeout(attempt, 50));
    };
    attempt();
  });
}
