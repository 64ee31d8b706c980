import type { Dialer } from "@multicloud/core/plugin";
import { socks5Dialer } from "@multicloud/ssh";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { errorOf, openRack, type Rack } from "./rack.js";

let rack: Rack;
beforeAll(async () => {
  rack = await openRack();
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rack.close());

// What the owner put on rack-2 stays there for the tests that follow.
test("a host with ZeroTier of its owner keeps its identity, its settings and its other network; SSH may be on any port", async () => {
  const own = '{"settings":{"primaryPort":9994}}\n';
  const owner = await rack.asOwner("rack-2", async (host) => {
    const run = async (command: string) => {
      const { code, stderr } = await host.exec(command, { sudo: true });
      expect(code, stderr).toBe(0);
    };
    await run(
      "mkdir -p /etc/apt/sources.list.d && echo 'deb [trusted=yes] https://download.zerotier.com/debian/bookworm bookworm main' > /etc/apt/sources.list.d/own.list",
    );
    await run("apt-get update && apt-get install -y zerotier-one");
    await host.writeFile("/var/lib/zerotier-one/local.conf", own, { sudo: true });
    await run("zerotier-cli join 8056c2e21c00beef");
    return rack.machine("rack-2").files.read("/var/lib/zerotier-one/identity.secret");
  });
  // A second SSH port, and nothing on the usual one for this host.
  const stop = rack.machine("rack-2").listen(2222, (stream) => {
    void rack
      .machine("rack-2")
      .dial({ host: rack.hosts[1]!.address, port: 22 })
      .then((inner) => {
        inner.on("error", () => stream.destroy());
        stream.on("error", () => inner.destroy());
        stream.pipe(inner).pipe(stream);
      });
  });
  const dialled: string[] = [];
  const dialer: Dialer = (target, options) => {
    dialled.push(`${target.host}:${target.port}`);
    return socks5Dialer(rack.world.socks)(target, options);
  };
  const moved = [rack.hosts[0]!, { ...rack.hosts[1]!, port: 2222 }];
  const before = { "rack-1": rack.state("rack-1"), "rack-2": rack.state("rack-2") };
  const { nodes } = await rack.cluster("own", { hosts: moved, dialer }).up();
  expect(nodes.every(({ ready }) => ready)).toBe(true);
  expect(JSON.parse(rack.claim("rack-2")!).made.packages).not.toContain("zerotier-one");
  expect(rack.machine("rack-2").files.read("/var/lib/zerotier-one/local.conf")).not.toBe(own);
  const { hosts: listed } = await rack.cluster("own", { hosts: moved, dialer }).inventory();
  expect(listed.find(({ name }) => name === "own-rack-worker-1")?.port).toBe(2222);
  const effects = rack.world.effects.all.length;
  await rack.cluster("own", { hosts: moved, dialer }).up();
  expect(rack.world.effects.all.slice(effects)).toEqual([]);
  await rack.cluster("own", { hosts: moved, dialer }).destroy();
  stop();
  expect(dialled).toContain(`${rack.hosts[1]!.address}:2222`);
  expect(dialled.filter((target) => target === `${rack.hosts[1]!.address}:22`)).toEqual([]);
  const identity = rack.machine("rack-2").files.read("/var/lib/zerotier-one/identity.secret");
  expect([identity, rack.machine("rack-2").unitState("zerotier-one")]).toEqual([owner, "active"]);
  expect({ "rack-1": rack.state("rack-1"), "rack-2": rack.state("rack-2") }).toEqual(before);
});

test.each([
  {
    what: "its packages are being installed",
    at: { kind: "package", name: "rack-1:zerotier-one" },
    // There is no login yet that the overlay could be taken off with.
    before: ["file update rack-1:/etc/multicloud/claim.json"],
  },
  {
    what: "its own login may come in",
    at: { kind: "file", name: "rack-2:/home/multicloud/.ssh/authorized_keys" },
    before: [],
  },
  {
    // Our settings are the daemon's now; joining is still to come.
    what: "the overlay has its settings",
    at: { kind: "file", name: "rack-2:/var/lib/zerotier-one/local.conf" },
    before: [],
  },
])(
  "a claim that is cut off when $what leaves nothing behind, though its script is still at work",
  async ({ at, before }) => {
    const host = at.name.slice(0, at.name.indexOf(":"));
    const asFound: Record<string, unknown> = {
      "rack-1": rack.state("rack-1"),
      "rack-2": rack.state("rack-2"),
    };
    const abort = new AbortController();
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const stop = rack.world.effects.listen(({ kind, name }) => {
      // The other host may be anywhere then.
      if (kind !== at.kind || name !== at.name) return;
      stop();
      abort.abort(new Error("cut off"));
      return held;
    });
    const cut = await errorOf(rack.cluster("half").up({ signal: abort.signal }));
    expect(cut.code).toBe("ABORTED");
    expect(JSON.parse(rack.claim(host)!)).toMatchObject({ cluster: "half", state: "preparing" });
    expect(rack.state(host)).not.toEqual(asFound[host]);

    const { clock } = rack.world.world;
    const sinceCut = rack.world.effects.all.length;
    let changed: string[] | undefined;
    const sleep = clock.sleep;
    vi.spyOn(clock, "sleep").mockImplementation((...call) => {
      // What flock waits for at a time: now the script may go on, and finds that its channel is gone.
      if (call[0] === 60_000 && changed === undefined) {
        changed = rack.world.effects.all
          .slice(sinceCut)
          .map(({ kind, action, name }) => `${kind} ${action} ${name}`)
          .filter((effect) => effect.includes(` ${host}:`));
        goOn();
      }
      return sleep(...call);
    });
    await rack.cluster("half").destroy().finally(goOn);
    expect(changed, "what was changed on the host while the script was at work").toEqual(before);
    expect({ "rack-1": rack.state("rack-1"), "rack-2": rack.state("rack-2") }).toEqual(asFound);
  },
);
