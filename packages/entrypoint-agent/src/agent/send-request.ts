import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { SendRequest } from "@multicloud/core/plugin";
import { http } from "./node-http.js";

/** Over `node:https`, with connections kept open. */
export function createSender(): SendRequest {
  const plain = new http.Agent({ keepAlive: true, maxSockets: 2 });
  const secure = new HttpsAgent({ keepAlive: true, maxSockets: 2 });
  return ({ method, url, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const isSecure = url.startsWith("https:");
      const sent = (isSecure ? requestHttps : http.request)(
        url,
        {
          method,
          signal,
          agent: isSecure ? secure : plain,
          headers: {
            "user-agent": "multicloud-entrypoint-agent",
            ...headers,
            ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("error", reject);
          response.once("end", () => {
            const answered: Record<string, string> = {};
            for (const [name, value] of Object.entries(response.headers)) {
              if (value !== undefined) answered[name] = String(value);
            }
            resolve({
              status: response.statusCode ?? 0,
              headers: answered,
              body: Buffer.concat(chunks).toString("utf8"),
            });
          });
        },
      );
      sent.once("error", reject);
      sent.end(body);
    });
}
