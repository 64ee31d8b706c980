import { createHash } from "node:crypto";
import type { RemoteHost, SiteContext } from "@multicloud/core/plugin";
import { type HostRecord, parseRecord, recordFile } from "./host-record.js";
import { run } from "./remote.js";
import { type ConfigHead, readHead } from "./render.js";

export const configFile = "/etc/haproxy/haproxy.cfg";
/** The configuration that stood there before the first of ours. */
export const backupFile = `${configFile}.before-multicloud`;

/** A new configuration while it is being checked. */
export const candidateFile = `${configFile}.multicloud-new`;

/** A gateway's machine as it is. */
export interface Look {
  /** `damaged` when the file is there but nobody can read it. */
  readonly record: HostRecord | "damaged" | undefined;
  readonly config: string | undefined;
  readonly head: ConfigHead | undefined;
  /** The configuration is the one that Debian's package brought. */
  readonly pristine: boolean;
  readonly hasBackup: boolean;
  /** A run that was cut off left files that nobody needs. */
  readonly hasScraps: boolean;
  /** The package is installed, or a program of that name is there. */
  readonly installed: boolean;
  readonly enabled: boolean;
  readonly active: boolean;
}

/** Reads only, in one command. */
export async function look(remote: RemoteHost, context: SiteContext): Promise<Look> {
  const script = `if command -v haproxy > /dev/null 2>&1; then echo installed; fi
if systemctl is-enabled haproxy > /dev/null 2>&1; then echo enabled; fi
if systemctl is-active haproxy > /dev/null 2>&1; then echo active; fi
if test -e ${backupFile}; then echo backup; fi
if test -e ${recordFile}; then echo record; fi
for scrap in ${candidateFile} ${recordFile}.*.new; do if test -e "$scrap"; then echo scraps; fi; done
if test -e ${configFile}; then echo config; fi
dpkg-query -W -f='\${Conffiles}\\n' haproxy 2> /dev/null | grep ' ${configFile} ' || true`;
  const said = (await run(remote, context, "looking at it", script, { reads: true }))
    .split("\n")
    .map((line) => line.trim());
  const is = (word: string) => said.includes(word);
  const read = (path: string) => run(remote, context, `reading ${path}`, `cat ${path}`, { reads: true });
  const recordText = is("record") ? await read(recordFile) : undefined;
  const config = is("config") ? await read(configFile) : undefined;
  // The package's own check sum: `<path> <md5>`.
  const packaged = said.find((line) => line.startsWith(`${configFile} `))?.split(" ")[1];
  return {
    record: recordText === undefined ? undefined : (parseRecord(recordText) ?? "damaged"),
    config,
    head: config === undefined ? undefined : readHead(config),
    pristine: config !== undefined && createHash("md5").update(config).digest("hex") === packaged,
    hasBackup: is("backup"),
    hasScraps: is("scraps"),
    installed: is("installed"),
    enabled: is("enabled"),
    active: is("active"),
  };
}
