import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { socks5Dialer } from "@multicloud/ssh";
import { instantTiming, type Sandbox, sandbox } from "@multicloud/testing";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { homelab } from "./homelab.js";

// Addresses differ from sandbox to sandbox: the documents have those that are reserved for documentation.
const ranges = { home: "192.168.1", ramnode: "203.0.113", digitalocean: "198.51.100" } as const;

/** The text with every address, name and path that is the sandbox's own replaced. */
function documented(text: string, stateDirectory: string, jump: Sandbox["home"]["jump"]): string {
  const { nodes, network } = parse(text) as {
    nodes: { address: string; internal_address: string; hostname_override: string }[];
    network: { options: { flannel_iface: string } };
  };
  const names = new Map<string, string>([
    [stateDirectory, "/home/me/cluster/.multicloud/multicloud"],
    [network.options.flannel_iface, "ztks5xhdfg"],
    [jump.host, "192.0.2.7"],
    [jump.privateKeyFile, "/home/me/.ssh/id_ed25519"],
  ]);
  nodes.forEach(({ address, internal_address, hostname_override }, index) => {
    const site = hostname_override.split("-")[1] as keyof typeof ranges;
    names.set(address, `${ranges[site]}.${11 + index}`);
    names.set(internal_address, `10.147.17.${11 + index}`);
  });
  return [...names]
    .sort(([one], [other]) => other.length - one.length)
    .reduce((result, [from, to]) => result.replaceAll(`"${from}`, `"${to}`), text);
}

test("docs/examples/homelab/cluster.yml is what up() writes for this example", async () => {
  const world = await sandbox({ scale: 0, timing: instantTiming });
  try {
    Object.assign(process.env, world.env);
    const cluster = homelab(world.home, {
      dialer: socks5Dialer(world.socks),
      state: world.stateDirectory,
      timing: { pollMs: 10 },
    });
    const { api } = await cluster.up();
    const text = await readFile(join(world.stateDirectory, "engine", "cluster.yml"), "utf8");
    const shown = documented(text, world.stateDirectory, world.home.jump);
    await expect(shown).toMatchFileSnapshot("../../docs/examples/homelab/cluster.yml");
    // The masters with public addresses: the one at home is reached through its router only.
    expect(api).toMatchObject({
      record: "api.example.com",
      addresses: [expect.any(String), expect.any(String)],
    });
  } finally {
    await world.close();
  }
});
