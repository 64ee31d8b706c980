import { request as requestHttps } from "node:https";
import type { AskSource } from "./find-addresses.js";
import { http } from "./node-http.js";

const longestAnswer = 4_096;

/** Asks over HTTP(S) with the family forced: `fetch` would take whichever connects first. */
export const askSource: AskSource = (url, family, signal) =>
  new Promise((resolve, reject) => {
    const request = url.startsWith("https:") ? requestHttps : http.request;
    const sent = request(
      url,
      { family, signal, agent: false, headers: { "user-agent": "multicloud-entrypoint-agent" } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > longestAnswer) response.destroy();
        });
        response.once("error", reject);
        response.once("close", () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${url} answered ${response.statusCode}`));
        });
      },
    );
    sent.once("error", reject);
    sent.end();
  });
