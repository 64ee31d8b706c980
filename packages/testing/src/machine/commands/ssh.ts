import { createHash } from "node:crypto";
import ssh2 from "ssh2";
import { generateKeyPair, type KeyPair } from "../../world/key-pair.js";
import { type CommandCall, type CommandFamily, type CommandResult, failure } from "../host.js";
import { parseOptions } from "./options.js";

const { parseKey } = ssh2.utils;

/** `ssh-keygen` with real keys, and `sshd -t`. */
export const sshCommands: CommandFamily = {
  "ssh-keygen": async (call) => {
    const { flags, values, operands } = parseOptions(call.args, "q y l A B v", "t f N C b E P R F");
    const file = values.get("f");
    if (flags.has("A")) return { code: await generateMissing(call) };
    if (flags.has("l")) return fingerprint(call, file ?? operands[0] ?? "");
    if (flags.has("y")) {
      const text = await call.view.readFile(call.path(file ?? ""));
      const key = parseKey(text);
      if (key instanceof Error) return { code: 255, stderr: `Load key "${file}": invalid format\n` };
      const parsed = Array.isArray(key) ? key[0] : key;
      return { stdout: `${parsed.type} ${parsed.getPublicSSH().toString("base64")}\n` };
    }
    if (values.has("R") || values.has("F")) return {};
    const type = values.get("t") ?? "ed25519";
    const path = call.path(file ?? `${call.env.HOME ?? "/root"}/.ssh/id_${type}`);
    const problem = await makeKey(
      call,
      path,
      type,
      values.get("C") ?? `${call.who.name}@${call.host.hostname()}`,
      Number(values.get("b") ?? 3072),
    );
    if (problem) return problem;
    return flags.has("q")
      ? {}
      : {
          stdout: `Your identification has been saved in ${path}\nYour public key has been saved in ${path}.pub\n`,
        };
  },
  sshd: (call) => {
    if (!call.args.includes("-t") && !call.args.includes("-T"))
      return failure(call, "no host keys in the sandbox's command line");
    const keys = call.host.disk.list("/etc/ssh").filter((name) => /^ssh_host_\w+_key$/.test(name));
    return keys.length > 0 ? {} : { code: 1, stderr: "sshd: no hostkeys available -- exiting.\n" };
  },
};

async function generateMissing(call: CommandCall): Promise<number> {
  for (const type of ["ed25519", "ecdsa"]) {
    const path = `/etc/ssh/ssh_host_${type}_key`;
    if (call.host.disk.find(path)) continue;
    const problem = await makeKey(call, path, type, `root@${call.host.hostname()}`, 0);
    if (problem) return problem.code ?? 1;
  }
  return 0;
}

async function makeKey(
  call: CommandCall,
  path: string,
  type: string,
  comment: string,
  bits: number,
): Promise<CommandResult | undefined> {
  if (!["ed25519", "ecdsa", "rsa"].includes(type)) return failure(call, `unknown key type ${type}`);
  if (call.host.disk.find(path)) return { code: 1, stdout: `${path} already exists.\nOverwrite (y/n)? ` };
  const { privateKey, publicKey } =
    type === "ed25519" ? generateKeyPair(comment) : await generateOtherKeyPair(type, comment, bits);
  const { umask } = call.view;
  call.view.umask = 0o077;
  await call.view.writeFile(path, privateKey.endsWith("\n") ? privateKey : `${privateKey}\n`);
  call.view.umask = 0o022;
  await call.view.writeFile(`${path}.pub`, `${publicKey.trim()}\n`);
  call.view.umask = umask;
  return undefined;
}

function generateOtherKeyPair(type: string, comment: string, bits: number): Promise<KeyPair> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, keys: { private: string; public: string }) =>
      error ? reject(error) : resolve({ privateKey: keys.private, publicKey: keys.public });
    if (type === "ecdsa") ssh2.utils.generateKeyPair("ecdsa", { bits: 256, comment }, done);
    else ssh2.utils.generateKeyPair("rsa", { bits, comment }, done);
  });
}

async function fingerprint(call: CommandCall, file: string): Promise<CommandResult> {
  const read = (name: string) =>
    name === "-" || name === "/dev/stdin"
      ? call.input().then((data) => data.toString("utf8"))
      : call.view.readFile(call.path(name));
  let text = await read(file);
  if (text.includes("PRIVATE KEY") && call.host.disk.find(call.path(`${file}.pub`)))
    text = await read(`${file}.pub`);
  const [type = "", data = "", ...comment] = text.trim().split(/\s+/);
  if (!data) return { code: 255, stderr: `${file} is not a public key file.\n` };
  const digest = createHash("sha256").update(Buffer.from(data, "base64")).digest("base64").replace(/=+$/, "");
  const [bits, name] = { "ssh-ed25519": [256, "ED25519"], "ssh-rsa": [3072, "RSA"] }[type] ?? [256, "ECDSA"];
  return { stdout: `${bits} SHA256:${digest} ${comment.join(" ") || "no comment"} (${name})\n` };
}
