import { isDeepStrictEqual } from "node:util";
import type { DialTarget } from "../contracts/dialer.js";
import type { EngineNode } from "../contracts/engine.js";
import type { OverlayNetwork } from "../contracts/overlay.js";
import type { Machine } from "../contracts/provider.js";
import type { RemoteHost } from "../contracts/remote-host.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { applyFragment } from "../fragment/apply-fragment.js";
import type { Connections } from "../hosts/connect.js";
import { rotateHostKeys, trustKnownKeys } from "../hosts/rotate.js";
import type { TopologyNode } from "../topology/topology.js";
import { type BootableNode, prepareFragment } from "./desired.js";
import { type Session, withDeadline } from "./session.js";
import type { SiteMachines } from "./site-machines.js";
import { waitForMachine } from "./wait-for-machine.js";

/** A node at the end of its pipeline. */
export interface ReadyNode extends EngineNode {
  readonly machine: Machine;
  /** Id of the last step, which the engine waited for. */
  readonly lastStep: string;
  readonly memberId: string;
}

/** What a node's pipeline needs besides the session. */
export interface PipelineParts {
  readonly network: Promise<OverlayNetwork>;
  readonly networkStep: string;
  readonly connections: Connections;
  readonly machines: SiteMachines;
}

/**
 * One node, from nothing to ready for the engine: created, running, reachable with a verified host key,
 * booted, prepared, on the overlay. Each node flows on its own; a node that is further on costs less.
 */
export async function runNodePipeline(
  session: Session,
  parts: PipelineParts,
  bootable: BootableNode,
  existing: Machine | undefined,
): Promise<ReadyNode> {
  const { node: planned } = bootable;
  const { steps, timing, signal } = session;
  const at = { site: planned.site, node: planned.name };
  const { persistent = false } = session.sites.find(({ name }) => name === planned.site)!.config.provider;
  let after: readonly string[];

  if (existing?.status === "stopped") {
    throw new MulticloudError(`${planned.name} is switched off in its cloud`, {
      code: "HOST_UNREACHABLE",
      ...at,
      hint: "switch it on there; a worker may also be deleted there: the next up() makes it anew",
    });
  }
  // What a cloud has accepted it finishes; a host that nothing boots is finished by whoever claimed it.
  if (!existing || (persistent && existing.status === "creating")) {
    const created = await parts.machines.create(bootable);
    after = [created];
  } else {
    after = [];
  }
  const machine =
    existing && addressOf(session, planned, existing)
      ? existing
      : await steps.run(
          { kind: "boot", title: "waiting for the machine to run", after, ...at },
          async (step) => {
            after = [step.id];
            return waitForMachine(session, parts.machines, bootable, step);
          },
        );
  const address = addressOf(session, planned, machine)!;
  const port = machine.sshPort ?? 22;
  const node = machine.jump ? { ...planned, jump: machine.jump } : planned;

  const host = await steps.run(
    { kind: "ssh", title: "waiting for SSH and verifying the host", after, ...at },
    async (step) => {
      after = [step.id];
      if (machine.hostKeys) await trustKnownKeys(session, node.name, machine.hostKeys);
      const record = await session.records.read(node.name);
      const connected = await parts.connections.connect(node, address, {
        port,
        signal,
        deadlineMs: timing.sshMs,
        firstBoot: !record.activated,
        onAttempt: (message) => step.progress(message),
      });
      if (!record.activated) await rotateHostKeys(session, node.name, machine.id, connected);
      step.result(address);
      return connected;
    },
  );

  // A host that was there before may never have seen cloud-init, or seen it fail long ago.
  if (!persistent) {
    await steps.run(
      { kind: "cloud-init", title: "waiting for the first boot to end", after, ...at },
      async (step) => {
        after = [step.id];
        await waitForCloudInit(node, host, signal, timing.bootMs);
      },
    );
  }

  await steps.run({ kind: "prepare", title: "preparing the node", after, ...at }, async (step) => {
    after = [step.id];
    const apply = () =>
      applyFragment(host, prepareFragment(session, node), {
        signal,
        timeoutMs: timing.prepareMs,
        site: node.site,
        node: node.name,
        onProgress: (message) => step.progress(message),
      });
    const report = await parts.machines.preparing(apply);
    step.result(report.changed.length === 0 ? "nothing to change" : `${report.changed.length} changed`);
  });

  const network = await parts.network;
  return steps.run(
    { kind: "overlay", title: "joining the overlay", after: [...after, parts.networkStep], ...at },
    async (step) => {
      const member = await withDeadline(
        signal,
        timing.overlayMs,
        `${node.name} to get its overlay address`,
        (own) =>
          session.config.overlay.admit(session.siteContext(node.site, own), network, {
            name: node.name,
            host,
          }),
      );
      const record = await session.records.read(node.name);
      const { jump: _, ...kept } = record;
      const reached = {
        ...kept,
        machine: machine.id,
        overlayAddress: member.address,
        address,
        ...(machine.jump ? { jump: machine.jump } : {}),
      };
      if (!isDeepStrictEqual(reached, record)) await session.records.write(node.name, reached);
      step.result(member.address);
      return {
        ...plannedNode(node),
        machine,
        address,
        port,
        user: session.user,
        ...(machine.publicAddress ? { publicAddress: machine.publicAddress } : {}),
        ...(machine.privateAddress ? { privateAddress: machine.privateAddress } : {}),
        overlayAddress: member.address,
        overlayInterface: member.interfaceName,
        memberId: member.memberId,
        host,
        lastStep: step.id,
        probe: (own: AbortSignal) => probe(parts.connections, node, { host: address, port }, own),
      };
    },
  );
}

/** The address at which SSH reaches a machine: inside its site when it is behind NAT. */
export function addressOf(
  session: Session,
  node: Pick<TopologyNode, "site">,
  machine: Machine,
): string | undefined {
  if (machine.status !== "running") return undefined;
  const { nat } = session.sites.find(({ name }) => name === node.site)!.config;
  return nat ? machine.privateAddress : (machine.publicAddress ?? machine.privateAddress);
}

function plannedNode({ name, site, role, labels, jump }: TopologyNode) {
  return { name, site, role, labels, jump };
}

/** `cloud-init status --wait` blocks on the node: one round trip however long the boot takes. */
async function waitForCloudInit(
  node: TopologyNode,
  host: RemoteHost,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<void> {
  const { code, stdout, stderr } = await host.exec("cloud-init status --wait --long", {
    sudo: true,
    signal,
    timeoutMs,
  });
  // 2 is "done with recoverable errors" (cloud-init 23.4 and later), which warnings alone lead to.
  if (code === 0 || code === 2) return;
  throw new MulticloudError(
    `the first boot of ${node.name} failed: ${`${stdout}\n${stderr}`.trim().split("\n").slice(-6).join(" | ")}`,
    {
      code: "BOOT_FAILED",
      site: node.site,
      node: node.name,
      service: "cloud-init",
      hint: "see /var/log/cloud-init-output.log on the machine; delete the machine to have it made again",
    },
  );
}

/** Dials SSH afresh and reads the server's greeting, which any SSH client needs before all else. */
export async function probe(
  connections: Connections,
  node: Pick<TopologyNode, "site" | "jump">,
  target: DialTarget,
  signal: AbortSignal,
): Promise<void> {
  const dial = await connections.dialer(node);
  const stream = await dial(target, { signal, timeoutMs: 10_000 });
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
    await new Promise<void>((resolve, reject) => {
      deadline.addEventListener("abort", () => reject(deadline.reason), { once: true });
      stream.once("data", (chunk: Buffer) =>
        chunk.toString("latin1").startsWith("SSH-2.0")
          ? resolve()
          : reject(new Error("no SSH server answers there")),
      );
      stream.once("error", reject);
      stream.once("close", () => reject(new Error("the connection was closed before the SSH greeting")));
    });
  } finally {
    stream.on("error", () => {});
    stream.destroy();
  }
}
