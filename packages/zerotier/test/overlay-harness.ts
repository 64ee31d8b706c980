import type { RemoteHost } from "@multicloud/core/plugin";
import { connect, generateKeyPair } from "@multicloud/ssh";
import { createWorld, createZeroTier } from "@multicloud/testing";
import type { OverlayHarness } from "@multicloud/testing/conformance";
import { type ZeroTierOptions, zerotier } from "../src/index.js";

const operator = await generateKeyPair("operator");
const hostKey = await generateKeyPair("host");

/** Machines with SSH, and the emulated ZeroTier with nobody on it, for the conformance suite. */
export async function openOverlayHarness(
  options: (lab: { url: string; origin: string }) => ZeroTierOptions,
): Promise<OverlayHarness> {
  const world = createWorld();
  let cut: "before" | "after" | undefined;
  const take = world.faults.take.bind(world.faults);
  world.faults.take = (call) => {
    if (cut === undefined || call.method === "GET") return take(call);
    const reset = cut;
    cut = undefined;
    return { reset };
  };
  const service = await createZeroTier(world, { requestsPerSecond: 1_000 });
  const base: ZeroTierOptions = { requestsPerSecond: 1_000, ...options(service) };
  const token = base.controller === "self-hosted" ? service.controllerToken : service.token;
  const overlay = (more: ZeroTierOptions = {}) => zerotier({ ...base, token, ...more });
  /** What somebody does in Central's web pages. */
  async function byHand(network: string, member: string, body: unknown): Promise<void> {
    const { ok, status } = await fetch(`${service.url}/network/${network}/member/${member}`, {
      method: "POST",
      headers: { authorization: `token ${service.token}` },
      body: JSON.stringify(body),
    });
    if (!ok) throw new Error(`the change by hand got ${status}`);
  }
  const ids = new Map<string, string>();
  let made = 0;
  return {
    overlay,
    async boot(name) {
      made += 1;
      ids.set(name, `${name}-${made}`);
      world.machines.boot({
        id: `${name}-${made}`,
        hostname: name,
        image: "debian-12",
        publicAddress: `203.0.113.${made}`,
        sshKeys: [operator.publicKey],
        hostKeys: [hostKey.privateKey],
      });
    },
    async discard(name) {
      world.machines.destroy(ids.get(name)!);
    },
    connect: (name): Promise<RemoteHost> =>
      connect({
        host: world.machines.get(ids.get(name)!)!.spec.publicAddress!,
        user: "debian",
        privateKey: operator.privateKey,
        hostKeys: [hostKey.publicKey],
        dialer: (target, dial) => world.network.dial({}, target, dial?.signal),
      }),
    things: () =>
      service.list().flatMap(({ members, id, name, description, routes, pools, mtu }) => [
        { kind: "network", name: id, state: JSON.stringify([name, description, routes, pools, mtu]) },
        // A node that is not on the list or was put out may ask again: what counts is whom somebody let in or named.
        ...members
          .filter((member) => member.authorized || member.name || member.description)
          .map((member) => ({
            kind: "member",
            name: `${id} ${member.nodeId}`,
            state: JSON.stringify([
              member.authorized,
              member.name,
              member.description,
              member.hidden,
              member.ipAssignments,
            ]),
          })),
      ]),
    writes: () => service.calls.filter(({ method }) => method !== "GET").length,
    secrets: [token],
    onWrite: (listener) =>
      world.effects.listen(({ service: by }) => {
        if (by === "zerotier") listener();
      }),
    cutWrite(when) {
      cut = when;
    },
    tooMany: (times) =>
      world.faults.add({ service: "zerotier", times, status: 429, headers: { "retry-after": "0" } }),
    refuse: () =>
      world.faults.add({
        service: "zerotier",
        times: 1_000,
        status: 403,
        body: { message: `${token} may not` },
      }),
    async letInByHand(network, { host }) {
      const info = await host.exec("zerotier-cli info", { sudo: true });
      const member = info.stdout.split(" ")[2]!;
      await byHand(network.id, member, {
        name: "my laptop",
        description: "mine",
        config: { authorized: true },
      });
    },
    shutOut: (network, member) => byHand(network.id, member, { config: { authorized: false } }),
    wrongOptions: () => [
      {
        plugin: overlay({ ...both, create: { cidr: "10.9.0.1/24" } }),
        path: "create.cidr",
        given: "10.9.0.1/24",
        allowed: true,
      },
      {
        plugin: overlay({ ...both, create: { cidr: "10.9.0.0/24", mtu: 100 } }),
        path: "create.mtu",
        given: "100",
        allowed: true,
      },
      {
        plugin: overlay({ release: "Bookworm" }),
        path: "release",
        given: "Bookworm",
        suggestion: "bookworm",
      },
      { plugin: overlay({ requestsPerSecond: 0 }), path: "requestsPerSecond", given: "0" },
    ],
    async close() {
      await service.close();
      await world.close();
    },
  };
}
// Only one of the two may be given.
const both = { network: undefined } as unknown as ZeroTierOptions;
