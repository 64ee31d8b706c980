import { MulticloudError } from "@multicloud/core/plugin";
import { readBaseURL, readToken, tokenVariable, type ZeroTierOptions } from "../options.js";
import { centralV1 } from "./central-v1.js";
import { centralV2 } from "./central-v2.js";
import { service } from "./client.js";
import type { ZeroTierController } from "./controller.js";
import { selfHosted } from "./self-hosted.js";

/** The client for the chosen controller. Reads neither token nor environment before the first request. */
export function createController(options: ZeroTierOptions): ZeroTierController {
  const variable = tokenVariable(options);
  const client = {
    baseURL: () => readBaseURL(options),
    token: () => {
      const token = readToken(options);
      if (token) return token;
      throw new MulticloudError("there is no API token for ZeroTier", {
        code: "AUTH_FAILED",
        service,
        hint: `set the environment variable ${variable} or the option token`,
      });
    },
    fetch: options.fetch,
    requestsPerSecond: options.requestsPerSecond ?? 20,
    tokenHint: `check the API token: option token or environment variable ${variable}`,
  };
  if (options.controller === "self-hosted") return selfHosted(client);
  if (options.controller === "central-v2")
    return centralV2({ ...client, networkGroup: options.networkGroup });
  return centralV1(client);
}
