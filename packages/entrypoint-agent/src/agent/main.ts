// The agent as a process: `node agent.js SETTINGS_DIRECTORY`. Its environment is what a pod's is; see
// src/addon/manifest.ts, which writes all of it.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { OpenRecord } from "@multicloud/core/plugin";
import { askSource } from "./ask-source.js";
import { systemClock } from "./clock.js";
import { connectProbe } from "./connect-probe.js";
import { findAddresses } from "./find-addresses.js";
import { connectKubernetes, type KubernetesCalls } from "./kubernetes-api.js";
import { startAgent } from "./run-agent.js";
import { createSender } from "./send-request.js";
import type { AgentSettings } from "./settings.js";
import { serveStatus } from "./status-server.js";

function environment(name: string): string {
  const value = process.env[name];
  if (value) return value;
  process.stderr.write(`the entrypoint agent needs ${name} in its environment\n`);
  process.exit(2);
}

function log(level: "info" | "warn", message: string): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, message })}\n`);
}

const directory = resolve(process.argv[2] ?? "/program");
const settings = JSON.parse(await readFile(join(directory, "settings.json"), "utf8")) as AgentSettings;
const { openRecord } = (await import(pathToFileURL(join(directory, "dns.mjs")).href)) as {
  openRecord: OpenRecord;
};
const secrets = environment("SECRETS_DIRECTORY");
const kubernetes = connectKubernetes({
  host: environment("KUBERNETES_SERVICE_HOST"),
  port: Number(environment("KUBERNETES_SERVICE_PORT")),
  credentials: environment("CREDENTIALS_DIRECTORY"),
});

const stop = new AbortController();
const count = (service: string, status: number | string) =>
  agent.metrics.add("entrypoint_api_calls_total", { service, status: String(status) });
const counted: KubernetesCalls = {
  async call(...call) {
    try {
      const answer = await kubernetes.call(...call);
      count("kubernetes", answer.status);
      return answer;
    } catch (error) {
      count("kubernetes", "none");
      throw error;
    }
  },
};
const agent = startAgent(
  settings,
  environment("NODE_NAME"),
  {
    clock: systemClock,
    kubernetes: counted,
    dns: openRecord({
      cluster: settings.cluster,
      settings: settings.dns,
      secret: async (name) => (await readFile(join(secrets, name), "utf8")).trim(),
      send: createSender(),
      report: (report) => {
        if (report.type === "request") count(report.service, report.status);
      },
    }),
    probe: connectProbe(settings.probe),
    findAddresses: (signal) => findAddresses(systemClock, settings.addressSources, askSource, signal),
    random: Math.random,
    log,
  },
  stop.signal,
);
const server = serveStatus(agent, settings.statusPort);
server.on("error", (error) => log("warn", `status: ${error.message}`));
for (const name of ["SIGTERM", "SIGINT"] as const) {
  process.once(name, () => stop.abort(new DOMException(`stopped by ${name}`, "AbortError")));
}
await agent.ended();
process.exit(0);
