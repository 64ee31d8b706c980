import { X509Certificate } from "node:crypto";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "@multicloud/kubernetes";
import { type RkeOptions, rke } from "@multicloud/rke";
import { socks5Dialer } from "@multicloud/ssh";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { errorOf, eventsOf, kubernetesOf, type Lab, openLab } from "./lab.js";

const shape = { ramnode: [2, 1], digitalocean: [1, 1] } as const;
const masters = ["lab-digitalocean-master-1", "lab-ramnode-master-1", "lab-ramnode-master-2"];

let lab: Lab;
let engine: ReturnType<typeof rke>;
const make = (options: RkeOptions = {}) =>
  rke({ binary: join(lab.env.PATH!.split(":")[0]!, "rke"), attempts: 2, retryDelayMs: 1, ...options });
const s3 = (secret: string): RkeOptions => ({
  config: {
    services: {
      etcd: {
        backup_config: {
          s3backupconfig: {
            access_key: lab.services.rke.s3.accessKey,
            secret_key: secret,
            bucket_name: "snapshots",
            endpoint: "s3.example.com",
            folder: "lab",
          },
        },
      },
    },
  },
});
const cluster = (of = engine, changes = {}) => lab.cluster(shape, { engine: of, ...changes });
const machineOf = (node: string) => lab.world.machines.all().find(({ spec }) => spec.hostname === node)!;
const kept = () => readFile(lab.state("lab", "kubeconfig"), "utf8");
const authorityOf = (kubeconfig: string) =>
  new X509Certificate(
    Buffer.from(parse(kubeconfig).clusters[0].cluster["certificate-authority-data"], "base64"),
  ).fingerprint256;
const clientOf = (kubeconfig: string) => parse(kubeconfig).users[0].user["client-certificate-data"];
const names = { apiVersion: "v1", kind: "ConfigMap" };
const write = (name: string, value: string) =>
  kubernetesOf(lab, (api) =>
    api.apply([{ ...names, metadata: { name, namespace: "default" }, data: { value } }]),
  );
const read = (name: string) =>
  kubernetesOf(
    lab,
    async (api) =>
      (await api.get({ ...names, name, namespace: "default" }))?.data as { value: string } | undefined,
  );

beforeAll(async () => {
  lab = await openLab();
  engine = make();
  await cluster().up();
});
afterAll(() => lab.close());

test("a snapshot lies on every master, and taking it changes nothing else", async () => {
  await write("before", "snapshot");
  const saved = await cluster().operate(engine.snapshotSave({ name: "first" }));
  expect(saved).toEqual({ name: "first", nodes: masters });
  expect(await cluster().operate(engine.snapshots())).toEqual([saved]);
  const effects = lab.effects.all.length;
  await cluster().up();
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("its events have RKE's stages and hosts", async () => {
  const events = await eventsOf(cluster().operate(engine.snapshotSave({ name: "first" })));
  expect(events).toContainEqual(
    expect.objectContaining({
      type: "log",
      source: "rke",
      stage: "etcd",
      node: "lab-ramnode-master-1",
      message: expect.stringContaining("Running snapshot save once"),
    }),
  );
});

test("restoring puts back what was there, and the nodes and their authority stay", async () => {
  const authority = authorityOf(await kept());
  await write("before", "changed");
  await write("after", "the snapshot");
  const restored = await cluster().operate(engine.snapshotRestore({ name: "first" }));
  expect(restored.nodes).toHaveLength(5);
  expect(await read("before")).toEqual({ value: "snapshot" });
  expect(await read("after")).toBeUndefined();
  expect(authorityOf(await kept())).toBe(authority);
  expect((await cluster().status()).nodes.map(({ ready }) => ready)).toEqual([true, true, true, true, true]);
  const effects = lab.effects.all.length;
  await cluster().up();
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("a snapshot that is nowhere is not restored, and the cluster goes on", async () => {
  const error = await errorOf(cluster().operate(engine.snapshotRestore({ name: "never-taken" })));
  expect(error).toMatchObject({ code: "ENGINE_FAILED" });
  expect(error.message).toContain("never-taken does not exist");
  expect(await read("before")).toEqual({ value: "snapshot" });
  await cluster().up();
});

test("wrong options are refused before anything is done", async () => {
  expect(() => engine.snapshotSave({ name: "../../etc/passwd" })).toThrow(/no name for a snapshot/);
  expect(() => engine.rotateCertificates({ services: ["nginx" as never] })).toThrow(/no certificates/);
  expect(() => engine.rotateCertificates({ services: ["etcd"], ca: true })).toThrow(/with the authority/);
  const effects = lab.effects.all.length;
  expect(await errorOf(cluster().operate(make().snapshotSave()))).toMatchObject({
    code: "CONFIG_INVALID",
    problems: [{ path: "operation" }],
  });
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("certificates are made anew while the authority stays; the kubeconfig and all copies follow", async () => {
  const before = await kept();
  const rotated = await cluster().operate(engine.rotateCertificates());
  const after = await kept();
  expect(rotated).toEqual({ authority: authorityOf(before), newAuthority: false });
  expect(clientOf(after)).not.toBe(clientOf(before));
  expect((await kubernetesOf(lab, (api) => api.nodes())).map(({ ready }) => ready)).not.toContain(false);
  await expectSameStateEverywhere();
});

test("a new authority reaches every node, and the old kubeconfig is worthless", async () => {
  const before = await kept();
  const rotated = await cluster().operate(engine.rotateCertificates({ ca: true }));
  expect(rotated).toEqual({ authority: authorityOf(await kept()), newAuthority: true });
  expect(rotated.authority).not.toBe(authorityOf(before));
  expect(await read("before")).toEqual({ value: "snapshot" });
  const client = await connect(before, { dialer: socks5Dialer(lab.socks) });
  await expect(client.nodes()).rejects.toThrow();
  await client.close();
  await expectSameStateEverywhere();
  const effects = lab.effects.all.length;
  await cluster().up();
  expect(lab.effectsSince(effects)).toEqual([]);
});

const cuttable = {
  "a new authority": () => engine.rotateCertificates({ ca: true }),
  "restoring a snapshot": () => engine.snapshotRestore({ name: "first" }),
} as const;
test.each(Object.entries(cuttable))(
  "%s that was cut off at any point is finished by the same call",
  async (_, make) => {
    const outcomes: string[] = [];
    for (let after = 1; after < 60 && !outcomes.includes("finished"); after += 4) {
      const stop = new AbortController();
      let seen = 0;
      const unlisten = lab.effects.listen(({ service }) => {
        if (service === "rke" && ++seen === after) stop.abort();
      });
      const outcome = await cluster()
        .operate<unknown>(make(), { signal: stop.signal })
        .then(
          () => "finished",
          (error) => error.code,
        );
      unlisten();
      outcomes.push(outcome);
      // Half of the time it is up() that goes on, as far as there is a cluster to go on with.
      if (after % 8 === 5 && make === cuttable["a new authority"]) await cluster().up();
      else await cluster().operate<unknown>(make());
      expect(await read("before")).toEqual({ value: "snapshot" });
      await expectSameStateEverywhere();
    }
    expect(outcomes.length).toBeGreaterThan(3);
    expect(new Set(outcomes)).toEqual(new Set(["ABORTED", "finished"]));
  },
);

test("a snapshot with the authority of before is restored with it", async () => {
  const restored = await cluster().operate(engine.snapshotRestore({ name: "first" }));
  expect(restored.name).toBe("first");
  expect(await read("before")).toEqual({ value: "snapshot" });
  await expectSameStateEverywhere();
});

test("a rotation does not apply other changes in passing", async () => {
  const other = make({ config: { services: { kubelet: { extra_args: { "max-pods": "90" } } } } });
  const effects = lab.effects.all.length;
  expect(await errorOf(cluster(other).operate(other.rotateCertificates()))).toMatchObject({
    code: "CONFLICT",
    hint: expect.stringContaining("up()"),
  });
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("a dead worker does not keep from taking a snapshot; a dead master does, unless it is accepted", async () => {
  const power = (node: string, on: boolean) => lab.world.network.setMachinePower(machineOf(node).spec.id, on);
  const hasty = () => cluster(engine, { timing: { sshMs: 2_500 } });
  power("lab-digitalocean-worker-1", false);
  expect((await hasty().operate(engine.snapshotSave({ name: "worker-down" }))).nodes).toEqual(masters);
  expect(await errorOf(hasty().operate(engine.rotateCertificates()))).toMatchObject({
    code: "HOST_UNREACHABLE",
    node: "lab-digitalocean-worker-1",
  });
  power("lab-ramnode-master-2", false);
  expect(await errorOf(hasty().operate(engine.snapshotSave({ name: "down" })))).toMatchObject({
    code: "HOST_UNREACHABLE",
    node: "lab-ramnode-master-2",
  });
  const saved = await hasty().operate(engine.snapshotSave({ name: "down", partial: true }));
  expect(saved.nodes).toEqual(masters.slice(0, 2));
  for (const node of ["lab-digitalocean-worker-1", "lab-ramnode-master-2"]) power(node, true);
  await cluster().up();
});

test("snapshots go to S3 too, and come back from there when no master has them", async () => {
  const remote = make(s3(lab.services.rke.s3.secretKey));
  await cluster(remote).up();
  const saved = await cluster(remote).operate(remote.snapshotSave({ name: "remote" }));
  expect(saved).toMatchObject({ bucket: "snapshots" });
  expect([...lab.services.rke.s3.buckets.get("snapshots")!.keys()]).toEqual(["lab/remote.zip"]);
  for (const node of masters) machineOf(node).files.remove("/opt/rke/etcd-snapshots/remote.zip");
  await write("before", "changed");
  await cluster(remote).operate(remote.snapshotRestore({ name: "remote" }));
  expect(await read("before")).toEqual({ value: "snapshot" });

  const wrong = make(s3("an-unheard-of-secret"));
  await cluster(wrong).up();
  const run = cluster(wrong).operate(wrong.snapshotSave({ name: "refused" }));
  const events = await eventsOf(run);
  expect((await errorOf(run)).message).toContain("Failed to upload etcd snapshot file to s3");
  expect(JSON.stringify(events)).not.toContain("an-unheard-of-secret");
  await cluster().up();
});

test("a node's own labels and taints are put on, and taken off again", async () => {
  const name = "lab-ramnode-worker-1";
  const taint = { key: "dedicated", value: "db", effect: "NoSchedule" } as const;
  const tainted = make({
    config: { nodes: [{ hostname_override: name, labels: { "example.com/disk": "fast" }, taints: [taint] }] },
  });
  const look = () =>
    kubernetesOf(lab, async (api) => {
      const node = await api.get({ apiVersion: "v1", kind: "Node", name });
      const { taints = [] } = (node?.spec ?? {}) as { taints?: unknown[] };
      return { taints, disk: node?.metadata.labels?.["example.com/disk"] };
    });
  await cluster(tainted).up();
  expect(await look()).toEqual({ taints: [taint], disk: "fast" });
  await cluster().up();
  expect((await look()).taints).toEqual([]);
});

test("another workstation, without any state of RKE, gets it from the nodes: same authority", async () => {
  const authority = authorityOf(await kept());
  await rm(lab.state("lab", "engine"), { recursive: true });
  await rm(lab.state("lab", "kubeconfig"));
  await cluster().up();
  expect(authorityOf(await kept())).toBe(authority);
  expect((await stat(lab.state("lab", "engine", "cluster.rkestate"))).mode & 0o777).toBe(0o600);
  await expectSameStateEverywhere();
});

async function expectSameStateEverywhere() {
  const state = await readFile(lab.state("lab", "engine", "cluster.rkestate"), "utf8");
  const authority = authorityOf(await kept());
  const bundle = JSON.parse(state).desiredState.certificatesBundle;
  expect(new X509Certificate(bundle["kube-ca"].certificatePEM).fingerprint256).toBe(authority);
  for (const { spec, files } of lab.world.machines.all()) {
    if (spec.hostname === "gateway") continue;
    expect(files.read("/opt/rke/cluster.rkestate") === state, spec.hostname).toBe(true);
    const ca = files.read("/etc/kubernetes/ssl/kube-ca.pem") ?? "";
    expect(new X509Certificate(ca).fingerprint256, spec.hostname).toBe(authority);
  }
}
