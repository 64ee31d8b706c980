import { afterEach, beforeEach, expect, test } from "vitest";
import { interfaceName, zerotier } from "../src/index.js";
import { createLab, type Lab } from "./fake-node.js";

const id = "8056c2e21c000001";
const network = { id, interfaceName: interfaceName(id) };
let lab: Lab;
beforeEach(async () => {
  lab = await createLab();
});
afterEach(() => lab.close());

const fragmentOf = () =>
  zerotier({ network: id, token: "secret0token0secret", blacklist: ["10.43.0.0/16", "10.42.0.0/16"] }).boot(
    network,
  );

test("the fragment names ZeroTier's repository with its key and holds no secret", () => {
  const fragment = fragmentOf();
  const [source] = fragment.aptSources!;
  expect(source!.source).toBe("deb https://download.zerotier.com/debian/bookworm bookworm main");
  expect(source!.key).toMatch(
    /^-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n[\s\S]+-----END PGP PUBLIC KEY BLOCK-----\n$/,
  );
  expect(fragment.packages).toEqual(["zerotier-one"]);
  expect(JSON.stringify(fragment)).not.toContain("secret0token0secret");
  expect(fragmentOf()).toEqual(fragment);
});

test("the settings keep ZeroTier off the pod network and off TCP relays", () => {
  const [file] = fragmentOf().files!;
  const settings = JSON.parse(String(file!.content));
  expect(settings.physical).toEqual({
    "10.42.0.0/16": { blacklist: true },
    "10.43.0.0/16": { blacklist: true },
  });
  expect(settings.settings.allowTcpFallbackRelay).toBe(false);
  expect(settings.settings.interfacePrefixBlacklist).toEqual(
    expect.arrayContaining(["flannel", "veth", "cni", "docker", "cali"]),
  );
});

test("its commands bring a node onto the network, and are not needed a second time", async () => {
  const { files, commands } = fragmentOf();
  const node = lab.node("worker-1");
  await node.install();
  for (const { path, content } of files!) node.write(path, String(content));
  for (const { run, unless } of commands!) {
    expect((await node.shell(unless!)).exitCode).not.toBe(0);
    expect((await node.shell(run)).exitCode).toBe(0);
    expect((await node.shell(unless!)).exitCode).toBe(0);
  }
  expect(node.content.get("/var/lib/zerotier-one/local.conf")).toBe(String(files![0]!.content));
  expect((await node.shell(`zerotier-cli get ${id} status`)).stdout).toBe("ACCESS_DENIED\n");
});
