import { isDeepStrictEqual } from "node:util";
import type { OverlayNetwork } from "../contracts/overlay.js";
import type { Machine } from "../contracts/provider.js";
import type { RemoteHost } from "../contracts/remote-host.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { addressOf } from "../hosts/address-of.js";
import type { Connections } from "../hosts/connect.js";
import type { HostRecord } from "../hosts/host-record.js";
import { rotateHostKeys, trustKnownKeys } from "../hosts/rotate.js";
import type { BootableMachine } from "./desired.js";
import type { Session } from "./session.js";
import type { SiteMachines } from "./site-machines.js";
import { waitForMachine } from "./wait-for-machine.js";

/** What a machine's pipeline needs besides the session. */
export interface PipelineParts {
  readonly network: Promise<OverlayNetwork>;
  readonly networkStep: string;
  readonly connections: Connections;
  readonly machines: SiteMachines;
}

/** A machine that runs, has ended its first boot, and can be logged in to. */
export interface ReachedMachine {
  readonly machine: Machine;
  readonly host: RemoteHost;
  /** Address that SSH is dialled at. */
  readonly address: string;
  readonly port: number;
  /** Id of the last step. */
  readonly lastStep: string;
}

/** One machine, from nothing to usable: created, running, reachable with a verified host key, booted. */
export async function reachMachine(
  session: Session,
  parts: PipelineParts,
  bootable: BootableMachine,
  existing: Machine | undefined,
): Promise<ReachedMachine> {
  const { planned } = bootable;
  const { steps, timing, signal } = session;
  const at = { site: planned.site, node: planned.name };
  const { persistent = false } = session.sites.find(({ name }) => name === planned.site)!.config.provider;
  let after: readonly string[];

  if (existing?.status === "stopped") {
    throw new MulticloudError(`${planned.name} is switched off in its cloud`, {
      code: "HOST_UNREACHABLE",
      ...at,
      hint: "switch it on there; a worker or a gateway may also be deleted there: the next up() makes it anew",
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

  const host = await steps.run(
    { kind: "ssh", title: "waiting for SSH and verifying the host", after, ...at },
    async (step) => {
      after = [step.id];
      if (machine.hostKeys) await trustKnownKeys(session, planned.name, machine.hostKeys);
      const record = await session.records.read(planned.name);
      const way = { ...planned, jump: machine.jump ?? planned.jump };
      const connected = await parts.connections.connect(way, address, {
        port,
        signal,
        deadlineMs: timing.sshMs,
        firstBoot: !record.activated,
        onAttempt: (message) => step.progress(message),
      });
      if (!record.activated) await rotateHostKeys(session, planned.name, machine.id, connected);
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
        await waitForCloudInit(planned, host, signal, timing.bootMs);
      },
    );
  }
  return { machine, host, address, port, lastStep: after[0]! };
}

/** Keeps how a machine was reached, for looking without a run. Writes only what is new. */
export async function noteReached(
  session: Session,
  { machine, address, port }: ReachedMachine,
  more: Pick<HostRecord, "overlayAddress"> = {},
): Promise<void> {
  const record = await session.records.read(machine.name);
  const { jump: _, port: __, ...kept } = record;
  const noted = {
    ...kept,
    machine: machine.id,
    ...more,
    address,
    ...(port === 22 ? {} : { port }),
    ...(machine.jump ? { jump: machine.jump } : {}),
  };
  if (!isDeepStrictEqual(noted, record)) await session.records.write(machine.name, noted);
}

/** `cloud-init status --wait` blocks on the node: one round trip however long the boot takes. */
async function waitForCloudInit(
  node: Pick<BootableMachine, "name" | "site">,
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
