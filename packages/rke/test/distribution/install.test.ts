import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { k3s as flavour, rke2 as rke2Flavour } from "../../../testing/src/distribution/flavour.js";
import { releaseFiles } from "../../../testing/src/distribution/releases.js";
import { k3s, rke2 } from "../../src/index.js";
import { errorOf, type Fixture, quick, setUp } from "./fixture.js";

let fixture: Fixture | undefined;
const directories: string[] = [];
afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

const one = ["lab-a-master-1"];
const version = "v1.35.6+k3s1";

test("a file that is not the release's is not run", async () => {
  const lab = await setUp(k3s(quick), one);
  fixture = lab;
  lab.distributions.releases.replace("k3s", "#!sandbox k3s-v1.35.6+k3s1-evil\n");
  const error = await errorOf(lab.up());
  expect([error.code, error.node]).toEqual(["ENGINE_FAILED", "lab-a-master-1"]);
  expect(error.message).toMatch(/k3s has the SHA-256 [0-9a-f]{64}, but the release says/);
  expect(error.hint).toMatch(/nothing of it was run/);
  const { files } = lab.machine("lab-a-master-1");
  expect(files.exists("/usr/local/bin/k3s")).toBe(false);
  expect(files.exists("/var/lib/rancher/multicloud-k3s/v1.35.6+k3s1/k3s")).toBe(false);
});

test("a SHA-256 of the user's counts more than the release's own", async () => {
  const lab = await setUp(k3s({ ...quick, sha256: { "install.sh": "0".repeat(64) } }), one);
  fixture = lab;
  expect((await errorOf(lab.up())).message).toMatch(/install\.sh has the SHA-256/);
});

test("a release that does not exist is named with its URL", async () => {
  const lab = await setUp(k3s({ ...quick, version: "v1.35.99+k3s1" }), one);
  fixture = lab;
  expect((await errorOf(lab.up())).message).toMatch(
    /download\/v1\.35\.99%2Bk3s1\/sha256sum-amd64\.txt cannot be fetched/,
  );
});

test("a mirror serves it all", async () => {
  const url = "https://mirror.example.com/k3s";
  const lab = await setUp(k3s({ ...quick, mirror: { releases: url, scripts: url } }), one);
  fixture = lab;
  await lab.up();
  expect(lab.distributions.releases.requests.every((one) => one.startsWith(url))).toBe(true);
});

for (const [name, make, release, main] of [
  [
    "k3s",
    k3s,
    releaseFiles(flavour, version),
    "/var/lib/rancher/k3s/agent/images/k3s-airgap-images-amd64.tar.zst",
  ],
  [
    "rke2",
    rke2,
    releaseFiles(rke2Flavour, "v1.35.7+rke2r1"),
    "/var/lib/rancher/rke2/agent/images/rke2-images.linux-amd64.tar.zst",
  ],
] as const) {
  test(`${name}: files of this machine do where the internet is not reached`, async () => {
    const files = await mkdtemp(join(tmpdir(), "release-"));
    directories.push(files);
    for (const [file, content] of release) await writeFile(join(files, file), content);
    const lab = await setUp(make({ ...quick, files }), [...one, "lab-a-worker-1"]);
    fixture = lab;
    expect((await lab.engine.check(lab.context(), lab.nodes)).problems).toEqual([]);
    await lab.up();
    expect(lab.distributions.releases.requests).toEqual([]);
    for (const node of lab.nodes) expect(lab.machine(node.name).files.exists(main)).toBe(true);
    await rm(join(files, "install.sh"));
    expect((await lab.engine.check(lab.context(), lab.nodes)).problems).toMatchObject([
      { path: "files", message: "lacks install.sh" },
    ]);
  });
}

test("what somebody else installed, and what belongs to another cluster, is left alone", async () => {
  const lab = await setUp(k3s(quick), one);
  fixture = lab;
  await lab.up();
  const effects = lab.world.effects.all.length;
  const other = lab.context({ cluster: "other" });
  const error = await errorOf(lab.engine.up(other, lab.nodes));
  expect(error.code).toBe("CONFLICT");
  await lab.engine.reset(other, lab.nodes);
  lab.machine("lab-a-master-1").files.remove("/etc/rancher/multicloud-k3s.json");
  expect((await errorOf(lab.up())).message).toMatch(/was not installed by this cluster/);
  await lab.engine.reset(lab.context(), lab.nodes);
  expect(lab.effectsSince(effects)).toEqual([]);
});

for (const engine of [k3s(quick), rke2(quick)]) {
  test(`${engine.name}: reset leaves machines on which the next cluster can begin`, async () => {
    const lab = await setUp(engine, ["lab-a-master-1", "lab-b-master-1", "lab-a-worker-1"]);
    fixture = lab;
    const filesOf = (name: string) =>
      lab
        .machine(name)
        .files.list()
        .filter(({ type, path }) => type !== "directory" && !/^\/(tmp|run|var\/(tmp|log))\//.test(path))
        .map(({ path }) => path);
    const before = new Map(lab.nodes.map(({ name }) => [name, filesOf(name)]));
    await lab.up();
    const { caHash } = lab.cluster();
    await engine.reset(lab.context(), lab.nodes);
    for (const { name } of lab.nodes) expect(filesOf(name)).toEqual(before.get(name));
    const effects = lab.world.effects.all.length;
    await engine.reset(lab.context(), lab.nodes);
    expect(lab.effectsSince(effects)).toEqual([]);
    await lab.up();
    const all = lab.distributions.clusters();
    expect(all.map((one) => one.caHash)).toEqual([caHash, all[1]!.caHash]);
    expect(all[1]!.members.size).toBe(2);
  });
}

test("every worker that fails is told of", async () => {
  const lab = await setUp(k3s(quick), [...one, "lab-a-worker-1", "lab-b-worker-1"]);
  fixture = lab;
  for (const name of ["lab-a-worker-1", "lab-b-worker-1"])
    lab.machine(name).files.write("/var/lib/rancher/multicloud-k3s/v1.35.6+k3s1/k3s", "half a file");
  const error = await errorOf(lab.up());
  expect(error.message).toMatch(/2 workers failed: lab-a-worker-1: .*; lab-b-worker-1: /);
  // What was wrong is gone with the error.
  await lab.up();
});
