/** How long things take in the sandbox, in virtual milliseconds. */
export interface Timing {
  /** One API call of any cloud service. */
  readonly apiCallMs: number;
  /** One API call that creates a machine. */
  readonly createCallMs: number;
  /** From accepted to running (Nova's BUILD, DigitalOcean's `new`). */
  readonly buildMs: number;
  /** From running to an answering SSH server. */
  readonly bootMs: number;
  /** From there to the end of cloud-init. */
  readonly cloudInitMs: number;
  /** From a delete to the machine being gone. */
  readonly deleteMs: number;
  /** Installing one package over SSH. */
  readonly packageMs: number;
  /** One network round trip between the operator and a machine. */
  readonly roundTripMs: number;
  /** From a ZeroTier member's authorisation to its address. */
  readonly overlayMs: number;
  /** One step of the engine's run: certificates, control plane, workers, add-ons. */
  readonly engineStepMs: number;
  /** From an applied workload to ready pods. */
  readonly rolloutMs: number;
}

/** Real clouds, roughly: a cluster takes two to three virtual minutes. */
export const realisticTiming: Timing = {
  apiCallMs: 150,
  createCallMs: 900,
  buildMs: 12_000,
  bootMs: 15_000,
  cloudInitMs: 20_000,
  deleteMs: 3_000,
  packageMs: 4_000,
  roundTripMs: 25,
  overlayMs: 1_000,
  engineStepMs: 12_000,
  rolloutMs: 20_000,
};

/** Everything at once, for tests of behaviour. */
export const instantTiming: Timing = {
  apiCallMs: 0,
  createCallMs: 0,
  buildMs: 0,
  bootMs: 0,
  cloudInitMs: 0,
  deleteMs: 0,
  packageMs: 0,
  roundTripMs: 0,
  overlayMs: 0,
  engineStepMs: 0,
  rolloutMs: 0,
};
