import type { Timing } from "@multicloud/testing";

/** What of the topology decides how long a cluster takes at least. */
export interface BoundInput {
  readonly timing: Timing;
  readonly machines: number;
  /** Debian packages that a node's preparation installs. */
  readonly packages: number;
  /** Waits of `engineStepMs` in one run of the emulated engine. */
  readonly engineSteps: number;
  /** Requests a second that the emulated ZeroTier Central answers. */
  readonly overlayRequestsPerSecond: number;
}

/**
 * Virtual milliseconds that building the cluster takes at the very least, if nothing but the sandbox's
 * configured latencies took time: the longest chain of things that must follow one another, each API call,
 * machine and program as fast as it is configured to be. The orchestrator's own work, polling and network
 * buffers count as nothing.
 */
export function lowerBound({
  timing,
  machines,
  packages,
  engineSteps,
  overlayRequestsPerSecond,
}: BoundInput): [part: string, ms: number][] {
  const call = timing.apiCallMs;
  return [
    ["survey: token, list, check", 3 * call],
    ["shared: look, security group, its rules", 3 * call],
    ["create call", timing.createCallMs],
    ["build", timing.buildMs],
    ["one list call that sees it running", call],
    ["boot", timing.bootMs],
    ["cloud-init", timing.cloudInitMs],
    [
      "preparation: one round trip, package lists, packages",
      timing.roundTripMs + timing.packageMs / 4 + packages * timing.packageMs,
    ],
    ["overlay: look, authorise, address", 2 * timing.roundTripMs + call + timing.overlayMs],
    // All nodes arrive together, and the service lets in so many a second.
    ["overlay: the service's rate limit", Math.max(0, machines / overlayRequestsPerSecond - 1) * 1000],
    ["engine", engineSteps * timing.engineStepMs],
    // Custom resource definitions take a twentieth of a rollout, the webhook's CA a tenth, an issuer a quarter.
    [
      "addons: cert-manager's definitions, rollout, CA and issuer, then hello-world",
      (1 / 20 + 1 + 1 / 10 + 1 / 4 + 1) * timing.rolloutMs,
    ],
  ];
}
