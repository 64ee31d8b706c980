import type { ServiceRequest } from "../world/http-service.js";
import { fault, faultBody, refusal } from "./answers.js";

const oldest = "2.1";

/** The microversion that a request asks Nova for; without the header the oldest. Throws what Nova answers to one it does not know. */
export function microversionOf(request: ServiceRequest, newest: string): string {
  const header = request.headers["openstack-api-version"];
  const legacy = request.headers["x-openstack-nova-api-version"];
  // A header may name other services too, or only others: then the default holds.
  const asked =
    (typeof header === "string" ? /(?:^|,)\s*compute\s+([^,\s]+)/.exec(header)?.[1] : undefined) ??
    (typeof legacy === "string" ? legacy : undefined);
  if (asked === undefined) return oldest;
  if (asked === "latest") return newest;
  if (!/^\d+\.\d+$/.test(asked)) {
    throw fault(
      400,
      `API Version String ${asked} is of invalid format. Must be of format MajorNum.MinorNum.`,
    );
  }
  if (!isAtLeast(asked, oldest) || !isAtLeast(newest, asked)) {
    throw refusal(406, {
      ...(faultBody(
        406,
        `Version ${asked} is not supported by the API. Minimum is ${oldest} and maximum is ${newest}.`,
      ) as object),
    });
  }
  return asked;
}

/** Whether a microversion is `wanted` or newer. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  return major === wantedMajor ? minor >= wantedMinor : major > wantedMajor;
}
