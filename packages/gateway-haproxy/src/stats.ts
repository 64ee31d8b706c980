import { request } from "node:http";
import type { Duplex } from "node:stream";
import type { GatewayState, RemoteHost, SiteContext } from "@multicloud/core/plugin";
import { statsProxy } from "./render.js";

/** What the running HAProxy says of itself. */
export interface RunningConfig extends GatewayState {
  /** Digest of the configuration that it runs with; `undefined` when that is none of ours. */
  readonly digest: string | undefined;
}

const patienceMs = 5_000;

/** Asks HAProxy's statistics, through the SSH connection: they listen on the machine's loopback only. `undefined` when nobody answers there. */
export async function askStats(
  remote: RemoteHost,
  { signal }: SiteContext,
  port: number,
): Promise<RunningConfig | undefined> {
  try {
    const target = { host: "127.0.0.1", port };
    const stream = await remote.forward(target, { signal, timeoutMs: patienceMs });
    return parseStats(await get(stream, signal));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Columns of HAProxy's CSV (Management Guide §9.1): proxy, server, …, status at 17. */
export function parseStats(csv: string): RunningConfig | undefined {
  const [head, ...rows] = csv.split("\n").map((line) => line.split(","));
  const status = head?.indexOf("status") ?? -1;
  if (head?.[0] !== "# pxname" || status < 0) return undefined;
  const prefix = statsProxy("");
  const digest = rows.find(([proxy]) => proxy?.startsWith(prefix))?.[0]?.slice(prefix.length);
  const backends = rows
    .filter(([proxy, server]) => proxy === "https-nodes" && server !== "BACKEND" && server !== undefined)
    .map((row) => ({ node: row[1]!, healthy: row[status]?.startsWith("UP") ?? false }))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
  return { digest, backends };
}

function get(stream: Duplex, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    const call = request(
      {
        createConnection: () => stream,
        path: "/;csv",
        headers: { host: "gateway", connection: "close" },
        signal: deadline,
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("end", () => resolve(body));
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end();
  }).finally(() => stream.destroy()) as Promise<string>;
}
