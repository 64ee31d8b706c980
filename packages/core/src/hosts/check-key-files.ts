import { readFile } from "node:fs/promises";
import type { MulticloudConfig } from "../config/config.js";
import { jumpsOf } from "../config/validate.js";
import type { Problem } from "../contracts/context.js";

/** Private key files of the configuration that cannot be used: better told now than when machines wait for a login. */
export async function keyFileProblems(config: MulticloudConfig): Promise<Problem[]> {
  const files = [
    ["ssh.privateKeyFile", config.ssh?.privateKeyFile] as const,
    ...Object.entries(config.sites).flatMap(([name, site]) =>
      jumpsOf(site).map(({ privateKeyFile }, index) => {
        const jump = Array.isArray(site.jump) ? `jump[${index}]` : "jump";
        return [`sites.${name}.${jump}.privateKeyFile`, privateKeyFile] as const;
      }),
    ),
  ];
  const problems = await Promise.all(
    files.map(([path, file]) => (file === undefined ? [] : problemOf(path, file))),
  );
  return problems.flat();
}

async function problemOf(path: string, file: string): Promise<Problem[]> {
  const { publicKeyOf } = await import("@multicloud/ssh");
  try {
    await publicKeyOf(await readFile(file, "utf8"));
    return [];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "OPTIONS_INVALID") {
      const hint = "it must be an OpenSSH or PEM private key without a passphrase";
      return [{ path, message, given: file, hint }];
    }
    return [
      {
        path,
        message: `cannot be read (${code ?? message})`,
        given: file,
        ...(file.startsWith("~") ? { hint: "write the whole path: only a shell knows what ~ is" } : {}),
      },
    ];
  }
}
