import { createHash } from "node:crypto";
import { type CommandCall, type CommandFamily, type CommandResult, failure } from "../host.js";
import { reason } from "../shell/redirect.js";
import { parseOptions } from "./options.js";

/** Utilities that must keep bytes as they are, and the ones that scripts call most. */
export const textCommands: CommandFamily = {
  cat: async (call) => {
    const { flags, operands, unknown } = parseOptions(call.args, "n u A v e t E T s b");
    if (unknown) return failure(call, `invalid option -- '${unknown.slice(1)}'`);
    const { data, errors } = await readAll(call, operands);
    const joined = Buffer.concat(data.map((one) => one.bytes));
    if (!flags.has("n")) return { code: errors ? 1 : 0, stdout: joined, stderr: errors };
    const lines = joined.toString("utf8").replace(/\n$/, "").split("\n");
    return { stdout: lines.map((line, index) => `${String(index + 1).padStart(6)}\t${line}\n`).join("") };
  },
  tee: async (call) => {
    const { flags, operands } = parseOptions(call.args, "a i p append");
    const data = await call.input();
    const errors: string[] = [];
    for (const operand of operands) {
      if (operand === "/dev/null") continue;
      if (operand === "/dev/stderr") {
        errors.push(data.toString("utf8"));
        continue;
      }
      try {
        if (flags.has("a") || flags.has("append"))
          await call.view.appendFile(call.path(operand), new Uint8Array(data));
        else await call.view.writeFile(call.path(operand), new Uint8Array(data));
      } catch (error) {
        errors.push(`tee: ${operand}: ${reason(error)}\n`);
      }
    }
    return {
      code: errors.some((line) => line.startsWith("tee: ")) ? 1 : 0,
      stdout: data,
      stderr: errors.join(""),
    };
  },
  base64: async (call) => {
    const { flags, values, operands } = parseOptions(call.args, "d D i decode ignore-garbage", "w wrap");
    const { data, errors } = await readAll(call, operands);
    if (errors) return { code: 1, stderr: errors };
    const bytes = Buffer.concat(data.map((one) => one.bytes));
    if (flags.has("d") || flags.has("D") || flags.has("decode")) {
      const text = bytes.toString("latin1").replace(/\s+/g, "");
      if (!flags.has("i") && !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
        return { code: 1, stdout: Buffer.from(text, "base64"), stderr: "base64: invalid input\n" };
      return { stdout: Buffer.from(text, "base64") };
    }
    const width = Number(values.get("w") ?? values.get("wrap") ?? 76);
    const encoded = bytes.toString("base64");
    if (width === 0 || encoded === "") return { stdout: encoded };
    return { stdout: encoded.replace(new RegExp(`.{1,${width}}`, "g"), "$&\n") };
  },
  md5sum: (call) => checksum(call, "md5"),
  sha1sum: (call) => checksum(call, "sha1"),
  sha256sum: (call) => checksum(call, "sha256"),
  sha512sum: (call) => checksum(call, "sha512"),
  wc: async (call) => {
    const { flags, operands } = parseOptions(call.args, "c l w m bytes lines words chars");
    const { data, errors } = await readAll(call, operands);
    const all = !["c", "l", "w", "m", "bytes", "lines", "words", "chars"].some((flag) => flags.has(flag));
    const row = (bytes: Buffer) => {
      const text = bytes.toString("utf8");
      return [
        ...(all || flags.has("l") || flags.has("lines") ? [text.split("\n").length - 1] : []),
        ...(all || flags.has("w") || flags.has("words") ? [text.split(/\s+/).filter(Boolean).length] : []),
        ...(flags.has("m") || flags.has("chars") ? [[...text].length] : []),
        ...(all || flags.has("c") || flags.has("bytes") ? [bytes.length] : []),
      ];
    };
    const width = data.length > 1 || all ? 7 : 1;
    const line = (counts: readonly number[], name: string) =>
      `${counts.map((count) => String(count).padStart(width)).join(" ")}${name ? ` ${name}` : ""}\n`;
    const lines = data.map((one) => line(row(one.bytes), operands.length > 0 ? one.name : ""));
    if (data.length > 1) lines.push(line(row(Buffer.concat(data.map((one) => one.bytes))), "total"));
    return { code: errors ? 1 : 0, stdout: lines.join(""), stderr: errors };
  },
  head: (call) => ends(call, true),
  tail: (call) => ends(call, false),
};

interface Input {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The named files, or standard input; what cannot be read becomes a message. */
async function readAll(
  call: CommandCall,
  names: readonly string[],
): Promise<{ data: Input[]; errors: string }> {
  const data: Input[] = [];
  let errors = "";
  for (const name of names.length > 0 ? names : ["-"]) {
    try {
      data.push({
        name,
        bytes:
          name === "-" || name === "/dev/stdin"
            ? await call.input()
            : Buffer.from(await call.view.readFileBuffer(call.path(name))),
      });
    } catch (error) {
      errors += `${call.name}: ${name}: ${reason(error)}\n`;
    }
  }
  return { data, errors };
}

async function checksum(call: CommandCall, algorithm: string): Promise<CommandResult> {
  const { flags, operands } = parseOptions(
    call.args,
    "c b t w z q check binary text quiet status strict ignore-missing tag",
  );
  const digest = (bytes: Uint8Array) => createHash(algorithm).update(bytes).digest("hex");
  const { data, errors } = await readAll(call, operands);
  if (!flags.has("c") && !flags.has("check"))
    return {
      code: errors ? 1 : 0,
      stdout: data.map((one) => `${digest(one.bytes)}  ${one.name}\n`).join(""),
      stderr: errors,
    };
  const lines: string[] = [];
  let wrong = 0;
  for (const line of data.flatMap((one) => one.bytes.toString("utf8").split("\n").filter(Boolean))) {
    const match = /^\\?([0-9a-f]+) [ *](.+)$/i.exec(line);
    if (!match)
      return {
        code: 1,
        stderr: `${call.name}: ${operands[0] ?? "'standard input'"}: no properly formatted checksum lines found\n`,
      };
    const [, expected = "", name = ""] = match;
    const { data: found } = await readAll(call, [name]);
    const holds = found[0] !== undefined && digest(found[0].bytes) === expected.toLowerCase();
    if (!holds) wrong += 1;
    if (!flags.has("status") && !(holds && flags.has("quiet")))
      lines.push(`${name}: ${holds ? "OK" : found[0] ? "FAILED" : "FAILED open or read"}\n`);
  }
  return {
    code: wrong > 0 ? 1 : 0,
    stdout: lines.join(""),
    stderr:
      wrong > 0 && !flags.has("status")
        ? `${call.name}: WARNING: ${wrong} computed checksum did NOT match\n`
        : "",
  };
}

async function ends(call: CommandCall, first: boolean): Promise<CommandResult> {
  const args = call.args.map((arg) => arg.replace(/^-(\d+)$/, "-n$1"));
  const { flags, values, operands, unknown } = parseOptions(
    args,
    "q v quiet silent verbose f F",
    "n c lines bytes",
  );
  if (unknown) return failure(call, `invalid option -- '${unknown.slice(1)}'`);
  const { data, errors } = await readAll(call, operands);
  const bytes = values.get("c") ?? values.get("bytes");
  const lines = values.get("n") ?? values.get("lines") ?? "10";
  const cut = (input: Buffer): Buffer => {
    if (bytes !== undefined) {
      const count = Number(bytes);
      if (first) return count < 0 ? input.subarray(0, count) : input.subarray(0, count);
      return bytes.startsWith("+")
        ? input.subarray(count - 1)
        : input.subarray(Math.max(input.length - count, 0));
    }
    const parts = input.toString("latin1").split(/(?<=\n)/);
    const count = Number(lines);
    if (first) return Buffer.from(parts.slice(0, count).join(""), "latin1");
    return Buffer.from(
      (lines.startsWith("+") ? parts.slice(count - 1) : count === 0 ? [] : parts.slice(-count)).join(""),
      "latin1",
    );
  };
  const titled = (data.length > 1 || flags.has("v")) && !flags.has("q");
  const chunks = data.map((one, index) =>
    Buffer.concat([
      Buffer.from(titled ? `${index > 0 ? "\n" : ""}==> ${one.name} <==\n` : ""),
      cut(one.bytes),
    ]),
  );
  return { code: errors ? 1 : 0, stdout: Buffer.concat(chunks), stderr: errors };
}
