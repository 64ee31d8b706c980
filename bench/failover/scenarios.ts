import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab, LabNode } from "./lab.js";

/** What is lost. All of them take the address away that the record holds. */
export const scenarios = {
  node: "the node behind the record",
  leader: "the node behind the record and the leader's node",
  site: "the whole site behind the record",
  api: "the node behind the record and the leader's way to the API server",
} as const;

export type Scenario = keyof typeof scenarios;

const limitMs = 120_000;

/** Loses once, and gives the milliseconds until the record was right; puts everything back. */
export async function loseOnce(lab: Lab, scenario: Scenario): Promise<number> {
  let leader = await untilCalm(lab);
  const held = lab.nodes.find(({ address }) => lab.record().includes(address));
  if (!held) throw new Error(`the record holds none of the lab's addresses: ${lab.record().join(", ")}`);
  if (scenario === "api" && leader === held) leader = await elsewhere(lab, held);
  // At any moment between two probes.
  await sleep(Math.random() * 2_000);

  const lost = lab.nodes.filter(
    (node) =>
      node === held ||
      (scenario === "leader" && node === leader) ||
      (scenario === "site" && node.site === held.site),
  );
  const right = () => {
    const record = lab.record();
    return record.length > 0 && !lost.some(({ address }) => record.includes(address));
  };
  const from = performance.now();
  const done = new Promise<number>((resolve, reject) => {
    const stop = lab.onChange((at) => {
      if (!right()) return;
      stop();
      clearTimeout(late);
      resolve(at - from);
    });
    const late = setTimeout(() => {
      stop();
      reject(new Error(`${scenario}: the record was not right within ${limitMs} ms`));
    }, limitMs);
  });
  const cut = scenario === "api" ? [leader.hideApi()] : [];
  await Promise.all([...cut, ...lost.map((node) => node.unplug())]);
  for (const { agent } of lost) agent?.kill("SIGKILL");
  const ms = await done;
  if (scenario === "api") await leader.showApi();
  for (const node of lost) {
    await node.plug();
    node.start();
  }
  return ms;
}

/** Waits until all agents see all addresses alive, none suspects anything, and one leads; gives that one. */
export async function untilCalm(lab: Lab): Promise<LabNode> {
  for (const from = performance.now(); ; ) {
    const { leader, calm } = await lab.view();
    const node = lab.nodes.find(({ name }) => name === leader);
    if (node && calm) return node;
    if (performance.now() - from > limitMs)
      throw new Error(`not calm within ${limitMs} ms, leader ${leader || "none"}`);
    await sleep(250);
  }
}

/** Makes another node than this one lead. */
async function elsewhere(lab: Lab, node: LabNode): Promise<LabNode> {
  for (;;) {
    const { agent } = node;
    agent?.kill("SIGTERM");
    if (agent) await once(agent, "exit");
    await sleep(3_000);
    node.start();
    const leader = await untilCalm(lab);
    if (leader !== node) return leader;
  }
}
