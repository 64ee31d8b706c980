import { expect, test } from "vitest";
import { findOptionProblems } from "../src/check.js";
import type { RkeConfig } from "../src/index.js";

const node = { name: "lab-a-master-1", site: "a", role: "master", labels: {}, jump: [] } as const;
const problemsOf = (config: RkeConfig) => findOptionProblems({ config }, [node]);
const pathsOf = (config: RkeConfig) => problemsOf(config).map(({ path }) => path.replace(/^config\./, ""));

test("accepts a cluster with everything set", () => {
  expect(
    problemsOf({
      upgrade_strategy: {
        max_unavailable_worker: "10%",
        max_unavailable_controlplane: "1",
        drain: true,
        node_drain_input: { force: true, ignore_daemonsets: true, grace_period: -1, timeout: 120 },
      },
      services: {
        etcd: {
          backup_config: {
            interval_hours: 12,
            retention: 6,
            s3backupconfig: {
              bucket_name: "etcd",
              endpoint: "s3.example.com",
              access_key: "a",
              secret_key: "b",
            },
          },
        },
      },
      private_registries: [
        { url: "registry.example.com", user: "u", password: "p", is_default: true },
        { url: "mirror.example.com:5000" },
      ],
      system_images: { etcd: "registry.example.com/etcd:v3.5.12" },
      nodes: [
        {
          hostname_override: node.name,
          labels: { "example.com/disk": "fast", empty: "" },
          taints: [{ key: "dedicated", value: "db", effect: "NoSchedule" }],
        },
      ],
    }),
  ).toEqual([]);
});

test("knows what an upgrade may take away at once", () => {
  for (const given of ["0", "0%", "101%", "-1", "1.5", "ten", "", "10 %"])
    expect(pathsOf({ upgrade_strategy: { max_unavailable_worker: given } }), given).toEqual([
      "upgrade_strategy.max_unavailable_worker",
    ]);
  expect(pathsOf({ upgrade_strategy: { node_drain_input: { force: true } } })).toEqual([
    "upgrade_strategy.node_drain_input",
  ]);
});

test("wants a whole bucket", () => {
  const s3 = "services.etcd.backup_config.s3backupconfig";
  const of = (s3backupconfig: object) =>
    pathsOf({ services: { etcd: { backup_config: { s3backupconfig } } } });
  expect(of({})).toEqual([`${s3}.bucket_name`, `${s3}.endpoint`]);
  expect(of({ bucket_name: "b", endpoint: "e", access_key: "only" })).toEqual([s3]);
  expect(pathsOf({ services: { etcd: { backup_config: { retention: 0 } } } })).toEqual([
    "services.etcd.backup_config.retention",
  ]);
});

test("wants registries that images can be named by, and one default", () => {
  expect(problemsOf({ private_registries: [{ url: "https://registry.example.com/" }] })).toMatchObject([
    { path: "config.private_registries[0].url", suggestion: "registry.example.com" },
  ]);
  expect(
    pathsOf({
      private_registries: [
        { url: "a.example.com", is_default: true, user: "u" },
        { url: "a.example.com", is_default: true },
        {},
      ],
    }),
  ).toEqual([
    "private_registries[0]",
    "private_registries[1].url",
    "private_registries[2].url",
    "private_registries",
  ]);
});

test("wants labels and taints that Kubernetes takes", () => {
  const nodes = (own: object) => pathsOf({ nodes: [{ hostname_override: node.name, ...own }] });
  expect(nodes({ labels: { "a b": "x" } })).toEqual(["nodes[0].labels.a b"]);
  expect(nodes({ labels: { a: "x".repeat(64) } })).toEqual(["nodes[0].labels.a"]);
  expect(nodes({ taints: [{ key: "a" }] })).toEqual(["nodes[0].taints[0].effect"]);
  expect(nodes({ taints: [{ effect: "NoExecute" }] })).toEqual(["nodes[0].taints[0]"]);
});

test("what is done once is no setting", () => {
  const config = {
    restore: { restore: true, snapshot_name: "x" },
    rotate_certificates: { cacertificates: true },
  } as RkeConfig;
  const problems = problemsOf(config);
  expect(problems.map(({ path }) => path)).toEqual(["config.restore", "config.rotate_certificates"]);
  for (const { hint } of problems) expect(hint).toContain("operate(engine.");
});
