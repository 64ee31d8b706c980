import { MulticloudError, type SiteContext } from "@multicloud/core/plugin";
import { type Claim, claimFile, parseClaim } from "./claim.js";
import { type Login, onHost } from "./connect.js";
import type { StaticHost } from "./hosts.js";

/** A host as it was found. */
export interface FoundHost {
  readonly host: StaticHost;
  /** `damaged`: there is a claim that cannot be read, so the host is somebody's. */
  readonly claim: Claim | "damaged" | undefined;
  /** Distribution and version, for example `debian-12`. */
  readonly os: string;
}

// One round trip. Everybody may read both files.
const look = `. /etc/os-release 2> /dev/null
printf 'os %s-%s\\n' "\${ID:-unknown}" "\${VERSION_ID:-}"
if test -e ${claimFile}; then printf 'claim\\n'; cat ${claimFile}; fi`;

/** What looking at the hosts gave. */
export interface Scan {
  readonly found: readonly FoundHost[];
  /** One error that names the hosts that could not be looked at; `undefined` when all answered. */
  readonly silent: MulticloudError | undefined;
}

/** Looks at all hosts, a bounded number at once. */
export async function scanHosts(
  hosts: readonly StaticHost[],
  login: Login,
  concurrency: number,
  context: SiteContext,
): Promise<Scan> {
  const results = await eachOf(hosts, concurrency, (host) => lookAt(host, login, context));
  context.signal.throwIfAborted();
  const failures = results.flatMap((result) => ("error" in result ? [result.error] : []));
  const [first] = failures;
  // A defect is not the host's silence.
  const defect = failures.find((error) => !MulticloudError.isInstance(error));
  if (defect !== undefined) throw defect;
  return {
    found: results.flatMap((result) => ("value" in result ? [result.value] : [])),
    silent: failures.length > 1 ? joined(failures, context.site) : (first as MulticloudError | undefined),
  };
}

async function lookAt(host: StaticHost, login: Login, context: SiteContext): Promise<FoundHost> {
  return onHost(host, login, context, async (remote) => {
    const { stdout, stderr, code } = await remote.exec(look, { signal: context.signal, timeoutMs: 30_000 });
    if (code !== 0) {
      throw new MulticloudError(`the claim of the host ${host.name} cannot be read: ${stderr.trim()}`, {
        code: "REMOTE_COMMAND_FAILED",
        site: context.site,
        service: "ssh",
      });
    }
    const [first = "", marker, ...rest] = stdout.split("\n");
    const claim = marker === "claim" ? (parseClaim(rest.join("\n")) ?? "damaged") : undefined;
    return { host, claim, os: first.replace(/^os /, "") };
  });
}

/** Does something with each, at most `concurrency` at once; each ends in a value or an error. */
export async function eachOf<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<R>,
): Promise<({ readonly value: R } | { readonly error: unknown })[]> {
  const results: ({ value: R } | { error: unknown })[] = [];
  const waiting = [...items.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, item] = next;
      results[index] = await work(item).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return results;
}

/** Several hosts' errors as one that names them all. */
export function joined(errors: readonly unknown[], site: string): MulticloudError {
  const known = errors.filter((error) => MulticloudError.isInstance(error));
  const first = known[0];
  const lines = errors.map((error) => `  ${error instanceof Error ? error.message : String(error)}`);
  return new MulticloudError(`${errors.length} hosts failed\n${lines.join("\n")}`, {
    code: first?.code ?? "INTERNAL",
    site,
    service: "ssh",
    hint: first?.hint,
    cause: errors[0],
  });
}
