import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createHttp, type HttpOptions } from "./http.js";

let server: Server;
afterEach(
  () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
);

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function start(...answers: Answer[]) {
  const seen: string[] = [];
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    (answers[Math.min(seen.length, answers.length) - 1] as Answer)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  const client = (options: Partial<HttpOptions> = {}) =>
    createHttp({ service: "test", baseURL, backoffMs: 1, ...options });
  return { seen, client, baseURL };
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(status, headers);
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
const cut: Answer = (request) => request.socket.destroy();
const signal = new AbortController().signal;

describe("http", () => {
  it("repeats reads after failures and cut connections", async () => {
    const { seen, client } = await start(json(500, {}), cut, json(200, { ok: true }));
    expect((await client().request({ path: "/x", signal })).data).toEqual({ ok: true });
    expect(seen).toHaveLength(3);
  });

  it("never repeats a create that may have taken effect", async () => {
    const failed = await start(json(500, { message: "oops" }), json(200, {}));
    await expect(
      failed.client().request({ method: "POST", path: "/x", body: {}, signal }),
    ).rejects.toMatchObject({ code: "SERVICE_FAILED", status: 500 });
    expect(failed.seen).toHaveLength(1);
    server.close();
    const torn = await start(cut, json(200, {}));
    await expect(
      torn.client().request({ method: "POST", path: "/x", body: {}, signal }),
    ).rejects.toMatchObject({ code: "SERVICE_UNREACHABLE" });
    expect(torn.seen).toHaveLength(1);
  });

  it("repeats a create that was refused for its rate, after Retry-After, and gives up on a long one", async () => {
    const { seen, client } = await start(json(429, {}, { "retry-after": "0" }), json(201, { id: 1 }));
    expect((await client().request({ method: "POST", path: "/x", body: {}, signal })).status).toBe(201);
    expect(seen).toHaveLength(2);
    server.close();
    const slow = await start(json(429, {}, { "retry-after": "3600" }));
    await expect(slow.client().request({ path: "/x", signal })).rejects.toMatchObject({
      code: "RATE_LIMITED",
    });
    expect(slow.seen).toHaveLength(1);
  });

  it("cuts secrets out of errors and keeps the request id", async () => {
    const { client } = await start(
      json(403, "token hunter2secret is not allowed", { "x-request-id": "r-1" }),
    );
    const error = await client({ secrets: () => ["hunter2secret"] })
      .request({ path: "/x", signal })
      .catch((caught) => caught);
    expect(error).toMatchObject({ code: "FORBIDDEN", requestId: "r-1", service: "test" });
    expect(JSON.stringify(error) + error.message + error.stack).not.toContain("hunter2secret");
  });

  it("does not follow a link to another origin with our token", async () => {
    const { client } = await start(json(200, {}));
    await expect(client().request({ path: "http://127.0.0.1:1/steal", signal })).rejects.toMatchObject({
      code: "SERVICE_ANSWER",
    });
  });

  it("ends at once when aborted, with the caller's reason, also between retries", async () => {
    const { client } = await start(json(429, {}, { "retry-after": "30" }));
    const controller = new AbortController();
    const reason = new Error("enough");
    const report = () => controller.abort(reason);
    await expect(client().request({ path: "/x", signal: controller.signal, report })).rejects.toBe(reason);
  });

  it("bounds an attempt in time", async () => {
    const { client } = await start(() => {});
    await expect(
      client({ timeoutMs: 20, attempts: 2 }).request({ path: "/x", signal }),
    ).rejects.toMatchObject({ code: "SERVICE_UNREACHABLE" });
  });
});
