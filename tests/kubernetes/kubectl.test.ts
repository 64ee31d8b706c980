import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mergeKubeconfig, setServer } from "../../packages/kubernetes/src/index.js";
import { kubeconfigFile } from "./servers.js";

const run = promisify(execFile);
let folder: string;
let config: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "multicloud-kubectl-"));
  config = await readFile(kubeconfigFile(), "utf8");
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the real kubectl on a kubeconfig. */
async function kubectl(kubeconfig: string, ...args: readonly string[]): Promise<string> {
  const file = join(folder, "config");
  await writeFile(file, kubeconfig, { mode: 0o600 });
  const program = process.env.MULTICLOUD_KUBERNETES_KUBECTL ?? "kubectl";
  const { stdout } = await run(program, ["--kubeconfig", file, ...args], {
    env: { HOME: folder },
    timeout: 30_000,
  });
  return stdout.trim();
}

/** A kubeconfig as it comes from somebody's hand. */
const mine = `# my clusters
apiVersion: v1
kind: Config
current-context: work
preferences: {}
clusters:
  - name: work
    cluster: { server: "https://work.example.com:6443", insecure-skip-tls-verify: true }
contexts:
  - name: work # the one that pays
    context: { cluster: work, user: me, namespace: team }
users:
  - name: me
    user: { token: abc }
`;

test("kubectl reads a merged kubeconfig, and reaches the cluster by its context", async () => {
  const merged = mergeKubeconfig(mine, config, "homelab");
  expect(await kubectl(merged, "config", "current-context")).toBe("homelab");
  expect(await kubectl(merged, "config", "get-contexts", "--output", "name")).toBe("homelab\nwork");
  expect(await kubectl(merged, "get", "namespace", "default", "--output", "name")).toBe("namespace/default");
  const view = JSON.parse(await kubectl(merged, "config", "view", "--raw", "--output", "json"));
  expect(view.contexts.find(({ name }: { name: string }) => name === "work").context).toEqual({
    cluster: "work",
    user: "me",
    namespace: "team",
  });
  expect(merged).toContain("# the one that pays");
});

test("merging again is no change, and the user's current context is kept on request", async () => {
  const merged = mergeKubeconfig(mine, config, "homelab", { setCurrent: false });
  expect(mergeKubeconfig(merged, config, "homelab", { setCurrent: false })).toBe(merged);
  expect(await kubectl(merged, "config", "current-context")).toBe("work");
  const homelab = ["--context", "homelab"];
  expect(await kubectl(merged, ...homelab, "auth", "can-i", "*", "*")).toBe("yes");
});

test("the first one is a file of its own, and what kubectl writes can be merged into", async () => {
  const first = mergeKubeconfig(undefined, config, "homelab");
  expect(await kubectl(first, "get", "--raw", "/readyz")).toBe("ok");
  const file = join(folder, "config");
  await kubectl(first, "config", "set-context", "homelab", "--namespace", "kube-system");
  const written = await readFile(file, "utf8");
  const merged = mergeKubeconfig(written, config, "other");
  expect(await kubectl(merged, "config", "get-contexts", "--output", "name")).toBe("homelab\nother");
  expect(
    await kubectl(
      merged,
      "--context",
      "homelab",
      "config",
      "view",
      "--minify",
      "--output",
      "jsonpath={..namespace}",
    ),
  ).toBe("kube-system");
});

test("another address of the same API server: verified against it, used when it is right", async () => {
  const byName = setServer(mergeKubeconfig(undefined, config, "homelab"), "https://localhost:6443");
  expect(await kubectl(byName, "get", "--raw", "/readyz")).toBe("ok");
  // 10.43.0.7 is no name of the certificate.
  const wrong = setServer(byName, "https://10.43.0.7:6443");
  await expect(kubectl(wrong, "get", "--raw", "/readyz")).rejects.toThrow(/x509|refused|certificate/);
});
