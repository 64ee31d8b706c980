import { openLab } from "../../packages/entrypoint-agent/test/lab.js";

/** What five agents did while packets were lost and nothing else was wrong. */
export interface PacketLossResult {
  readonly probes: number;
  readonly failures: number;
  readonly switches: number;
  readonly writes: number;
}

/** The agent's own code in virtual time, each packet of each probe and call lost with this chance, and sent again as TCP does. */
export async function packetLoss(minutes: number, chance: number): Promise<PacketLossResult> {
  const lab = await openLab();
  try {
    await lab.ready();
    lab.loss.chance = chance;
    await lab.time.pass(minutes * 60_000);
    const total = (name: string) =>
      lab.agents.reduce(
        (sum, { agent }) =>
          sum + Number(new RegExp(`^${name} (\\d+)`, "m").exec(agent.metrics.text())?.[1] ?? 0),
        0,
      );
    return {
      probes: total("entrypoint_probes_total"),
      failures: total("entrypoint_probe_failures_total"),
      switches: lab.switches.length,
      writes: lab.dnsWrites(),
    };
  } finally {
    await lab.close();
  }
}
