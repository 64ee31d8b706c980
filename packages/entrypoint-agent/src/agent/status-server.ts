import type { Server } from "node:http";
import { http } from "./node-http.js";
import type { Agent } from "./run-agent.js";

/** Serves `/healthz` (200 or 503) and `/metrics` (Prometheus' text format). */
export function serveStatus(agent: Pick<Agent, "healthy" | "metrics">, port: number): Server {
  const server = http.createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") return void response.writeHead(405).end();
    if (path === "/healthz") {
      const ok = agent.healthy();
      return void response.writeHead(ok ? 200 : 503).end(ok ? "ok\n" : "stands still\n");
    }
    if (path === "/metrics") {
      return void response
        .writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" })
        .end(agent.metrics.text());
    }
    response.writeHead(404).end();
  });
  server.listen(port);
  return server;
}
