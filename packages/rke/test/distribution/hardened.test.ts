import { afterEach, expect, test } from "vitest";
import { parse } from "yaml";
import { k3s, rke2 } from "../../src/index.js";
import { type Fixture, quick, setUp } from "./fixture.js";

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

const names = ["lab-a-master-1", "lab-a-worker-1"];

test("k3s: hardened nodes have the kernel settings, policies and arguments of the guide", async () => {
  const lab = await setUp(k3s({ ...quick, cis: true }), names);
  fixture = lab;
  await lab.up();
  const config = parse(lab.config("lab-a-master-1"));
  expect(config).toMatchObject({ "protect-kernel-defaults": true, "secrets-encryption": true });
  const { files } = lab.machine("lab-a-master-1");
  for (const argument of config["kube-apiserver-arg"] as string[]) {
    const path = /^(?:admission-control-config-file|audit-policy-file)=(.+)$/.exec(argument)?.[1];
    if (path) expect(parse(files.read(path) ?? "")).toHaveProperty("kind");
  }
  expect(parse(lab.config("lab-a-worker-1"))["secrets-encryption"]).toBeUndefined();
  expect((await lab.up()).changed).toBe(false);
});

test("rke2: the profile finds the settings and the user that it insists on", async () => {
  const lab = await setUp(rke2({ ...quick, cis: true }), names);
  fixture = lab;
  await lab.up();
  expect(parse(lab.config("lab-a-worker-1", "rke2")).profile).toBe("cis");
  expect(lab.machine("lab-a-master-1").files.read("/etc/passwd")).toMatch(/^etcd:/m);
  expect(lab.machine("lab-a-worker-1").files.read("/etc/passwd")).not.toMatch(/^etcd:/m);
});

test("registries and manifests are there before the first start, private", async () => {
  const chart =
    "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata:\n  name: traefik\n  namespace: kube-system\n";
  const engine = k3s({
    ...quick,
    registries: { mirrors: { "docker.io": { endpoint: ["https://registry.example.com"] } } },
    manifests: { "traefik-config.yaml": chart },
  });
  const lab = await setUp(engine, names);
  fixture = lab;
  await lab.up();
  const files = lab.machine("lab-a-master-1").files.list();
  const manifest = files.find(({ path }) => path.endsWith("server/manifests/traefik-config.yaml"));
  expect(manifest).toMatchObject({ content: chart, mode: 0o600 });
  for (const name of names) {
    const registries = lab
      .machine(name)
      .files.list()
      .find(({ path }) => path === "/etc/rancher/k3s/registries.yaml");
    expect(registries?.mode).toBe(0o600);
  }
  expect(lab.machine("lab-a-worker-1").files.exists("/var/lib/rancher/k3s/server")).toBe(false);
});
