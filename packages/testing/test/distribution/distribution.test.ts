import { afterEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { k3s, rke2 } from "../../src/distribution/flavour.js";
import { createDistributions } from "../../src/distribution/module.js";
import { releaseFiles } from "../../src/distribution/releases.js";
import { createKubernetesClusters } from "../../src/kubernetes/kubernetes-cluster.js";
import { createWorld } from "../../src/world/create-world.js";
import { instantTiming } from "../../src/world/timing.js";
import { connect, operator, spec } from "../machine/ssh-client.js";

// What the programs refuse, in their own words. See the engines' tests for what they do when they are used well.

type Lab = ReturnType<typeof openLab>;
let lab: Lab | undefined;
afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

function openLab() {
  const world = createWorld({ timing: instantTiming });
  const clusters = createKubernetesClusters(world);
  const distributions = createDistributions(world, clusters);
  world.machines.use(distributions.module);
  let count = 0;

  async function boot(name: string) {
    count += 1;
    const address = `203.0.113.${count}`;
    const overlay = `10.144.0.${count}`;
    world.machines.destroy(name);
    const machine = world.machines.boot({
      ...spec({ id: name, hostname: name, publicAddress: address }),
      hostKeys: [operator.private],
    });
    machine.addOverlayAddress("zt", `${overlay}/24`, "ztabc");
    await expect.poll(() => machine.state).toBe("running");
    const shell = await connect(await world.network.dial({}, { host: address, port: 22 }));
    /** Installs K3s and starts it with a configuration; gives its log. */
    async function start(role: "server" | "agent", config: object) {
      const unit = role === "server" ? "k3s" : "k3s-agent";
      const files = releaseFiles(k3s, "v1.35.6+k3s1");
      machine.files.write(k3s.program, files.get("k3s")!, { mode: 0o755 });
      machine.files.write("/root/install.sh", files.get("install.sh")!, { mode: 0o755 });
      machine.files.write(k3s.configFile, stringify({ "node-ip": overlay, ...config }), { mode: 0o600 });
      const { code, stderr } = await shell.exec(
        `sudo sh -c 'INSTALL_K3S_SKIP_DOWNLOAD=true INSTALL_K3S_SKIP_START=true INSTALL_K3S_EXEC=${role} sh /root/install.sh && systemctl daemon-reload && systemctl enable --now ${unit}'`,
      );
      const journal = distributions.journal(machine, unit).join("\n");
      await shell.exec(`sudo systemctl stop ${unit}; ${code === 0 ? `sudo systemctl start ${unit}` : ":"}`);
      return { code, stderr, journal };
    }
    return { machine, overlay, shell, start };
  }
  return {
    boot,
    world,
    clusters: distributions.clusters,
    async close() {
      clusters.close();
      await world.close();
    },
  };
}

const first = { token: "secret", "cluster-init": true };

async function withServer() {
  lab = openLab();
  const server = await lab.boot("one");
  expect(await server.start("server", first)).toMatchObject({ code: 0 });
  const url = `https://${server.overlay}:6443`;
  return { lab, server, url, cluster: lab.clusters()[0]! };
}

test("a server begins a cluster, and another joins it over the overlay", async () => {
  const { lab, url, cluster, server } = await withServer();
  const two = await lab.boot("two");
  expect(await two.start("server", { token: "secret", server: url })).toMatchObject({ code: 0 });
  expect([...cluster.members.keys()]).toEqual(["one", "two"]);
  expect(server.machine.files.read("/var/lib/rancher/k3s/server/node-token")).toBe(
    `K10${cluster.caHash}::server:secret\n`,
  );
  expect(lab.clusters()).toHaveLength(1);
});

test("a wrong secret, another cluster's authority and a server that is not there are refused", async () => {
  const { lab, url } = await withServer();
  const two = await lab.boot("two");
  const wrong = await two.start("server", { token: "guess", server: url });
  expect([wrong.code, wrong.journal]).toEqual([1, expect.stringContaining("401 Unauthorized")]);
  const other = await two.start("agent", { token: `K10${"0".repeat(64)}::server:secret`, server: url });
  expect(other.journal).toContain("token CA hash does not match the Cluster CA certificate hash");
  const nobody = await two.start("agent", { token: "secret", server: "https://10.144.0.99:6443" });
  expect(nobody.journal).toContain("failed to get CA certs");
});

test("servers that disagree about the cluster's ranges do not join", async () => {
  const { lab, url } = await withServer();
  const two = await lab.boot("two");
  const config = { token: "secret", server: url, "cluster-cidr": "10.99.0.0/16" };
  expect((await two.start("server", config)).journal).toContain("mismatch between servers: cluster-cidr");
});

test("a new machine cannot take a server's name or a worker's while the cluster remembers them", async () => {
  const { lab, url, cluster } = await withServer();
  const token = { token: "secret", server: url };
  expect((await (await lab.boot("two")).start("server", token)).code).toBe(0);
  expect((await (await lab.boot("worker")).start("agent", token)).code).toBe(0);
  // Three of them bear the loss of one.
  expect((await (await lab.boot("three")).start("server", token)).code).toBe(0);
  const again = await (await lab.boot("two")).start("server", token);
  expect(again.journal).toContain("duplicate node name found");
  const worker = await (await lab.boot("worker")).start("agent", token);
  expect(worker.journal).toContain("Node password rejected, duplicate hostname");
  cluster.kubernetes.removeNode("two");
  expect([...cluster.members.keys()]).toEqual(["one", "three"]);
});

test("without a majority nobody joins, and the API does not answer", async () => {
  const { lab, url } = await withServer();
  const token = { token: "secret", server: url };
  await (await lab.boot("two")).start("server", token);
  lab.world.machines.destroy("two");
  const three = await lab.boot("three");
  expect((await three.start("server", token)).journal).toContain("context deadline exceeded");
}, 30_000);

test("unknown keys are skipped with a warning; a label of a reserved domain ends the kubelet", async () => {
  const { lab, url } = await withServer();
  const two = await lab.boot("two");
  const config = { token: "secret", server: url, "flannel-ifaces": "zt" };
  const { code, journal } = await two.start("agent", config);
  expect([code, journal]).toEqual([
    0,
    expect.stringContaining("Unknown flag --flannel-ifaces found in config.yaml, skipping"),
  ]);
  const three = await lab.boot("three");
  const label = { token: "secret", server: url, "node-label": ["node-role.kubernetes.io/worker=true"] };
  expect((await three.start("agent", label)).journal).toContain("unknown 'kubernetes.io' or 'k8s.io' labels");
  const iface = { token: "secret", server: url, "flannel-iface": "eth9" };
  expect((await three.start("agent", iface)).journal).toContain("unable to find interface eth9");
});

test("a server that was taken out and still has its token joins again where its configuration says", async () => {
  const { lab, url, cluster } = await withServer();
  const two = await lab.boot("two");
  await two.start("server", { token: "secret", server: url });
  cluster.kubernetes.removeNode("two");
  expect([...cluster.members.keys()]).toEqual(["one"]);
  await expect.poll(() => [...cluster.members.keys()], { timeout: 5_000 }).toEqual(["one", "two"]);
});

test("RKE2 knows no key of K3s's flannel, and K3s none of RKE2's CNI", () => {
  expect(rke2.serverKeys.has("flannel-iface")).toBe(false);
  expect(rke2.serverKeys.has("cluster-init")).toBe(false);
  expect(k3s.serverKeys.has("cni")).toBe(false);
});
