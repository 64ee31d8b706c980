import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defaultNamespace } from "../../packages/entrypoint-agent/src/addon/manifest.js";
import { systemClock } from "../../packages/entrypoint-agent/src/agent/clock.js";
import { tell } from "../../packages/entrypoint-agent/src/agent/events.js";
import {
  connectKubernetes,
  type KubernetesCalls,
} from "../../packages/entrypoint-agent/src/agent/kubernetes-api.js";
import { type Lease, openLeases } from "../../packages/entrypoint-agent/src/agent/leases.js";
import { readOwnNode } from "../../packages/entrypoint-agent/src/agent/own-node.js";
import { entrypointAgentManifest } from "../../packages/entrypoint-agent/src/index.js";
import type { KubernetesApi, KubernetesObject } from "../../packages/kubernetes/src/index.js";
import { agentInput } from "./agent-input.js";
import { realServer, type Server } from "./servers.js";

const { name, namespace } = agentInput.settings;
const signal = new AbortController().signal;

let server: Server;
let api: KubernetesApi;
let credentials: string;
/** The API as the agent's own service account sees it, by the agent's own client. */
let agent: KubernetesCalls;
let used: Set<string>;
beforeAll(async () => {
  server = await realServer();
  api = await server.client();
  // All of it but the DaemonSet: no pod is to run here.
  await api.apply(entrypointAgentManifest(agentInput).filter(({ kind }) => kind !== "DaemonSet"));
  const { status, body } = await server.request({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 600 } },
  });
  expect(status).toBe(201);
  credentials = await mkdtemp(join(tmpdir(), "multicloud-agent-"));
  await writeFile(join(credentials, "token"), (body as { status: { token: string } }).status.token, {
    mode: 0o600,
  });
  await writeFile(join(credentials, "ca.crt"), server.caPem);
  const calls = connectKubernetes({ host: "127.0.0.1", port: 6443, credentials });
  used = new Set();
  agent = {
    call(method, path, body, ending) {
      used.add(method);
      return calls.call(method, path, body, ending);
    },
  };
});
afterAll(async () => {
  await api?.delete({ apiVersion: "v1", kind: "Namespace", name: namespace });
  await server?.close();
  if (credentials) await rm(credentials, { recursive: true });
});

/** What of the DaemonSet a pod is made from. */
interface PodTemplate {
  readonly metadata: object;
  readonly spec: { readonly securityContext: Readonly<Record<string, unknown>> };
}

const content = (holder: string, transitions: number) => ({
  holder,
  durationSeconds: 15,
  transitions,
  annotations: {},
  date: new Date(),
});

test("the rights of its service account are enough for all that the agent does", async () => {
  await server.request({
    method: "POST",
    path: "/api/v1/nodes",
    body: { apiVersion: "v1", kind: "Node", metadata: { name: "entry-1" } },
  });
  try {
    const node = await readOwnNode(agent, "entry-1", signal);
    expect(node.uid).toMatch(/^[0-9a-f-]{36}$/);
    const leases = openLeases(agent, { namespace, name });
    const owner = { apiVersion: "v1", kind: "Node", name: "entry-1", uid: node.uid };
    const made = await leases.write(
      `${name}-entry-1`,
      { ...content("entry-1", 0), owner },
      undefined,
      signal,
    );
    expect((await leases.list(signal)).map((lease) => lease.name)).toEqual([`${name}-entry-1`]);
    const renewed = await leases.write(`${name}-entry-1`, content("entry-1", 1), made?.version, signal);
    expect(renewed?.transitions).toBe(1);
    const answers: number[] = [];
    await tell(
      {
        clock: systemClock,
        kubernetes: {
          async call(...call) {
            const answer = await agent.call(...call);
            answers.push(answer.status);
            return answer;
          },
        },
        namespace,
        name,
        self: "entry-1",
        timeoutMs: 5_000,
        random: Math.random,
      },
      { type: "Normal", reason: "EntrypointSwitched", message: "the record points at 192.0.2.1" },
      signal,
    );
    expect(answers).toEqual([201]);
    // GET (node, leases), POST (lease, event), PUT (lease): each right was used.
    expect([...used].sort()).toEqual(["GET", "POST", "PUT"]);
  } finally {
    await server.request({ method: "DELETE", path: "/api/v1/nodes/entry-1" });
  }
});

test("its rights are those and no others, as the API server itself lists them", async () => {
  const { body } = await agent.call(
    "POST",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace } },
    signal,
  );
  const { resourceRules } = (body as { status: { resourceRules: Record<string, string[]>[] } }).status;
  // Everybody who is logged in may ask who he is and what he may do.
  const own = resourceRules.filter(({ apiGroups }) => !apiGroups?.[0]?.startsWith("auth"));
  expect(own.map(({ resources, verbs }) => `${resources} ${verbs}`).sort()).toEqual([
    "events create",
    "leases list,create,update",
    "nodes get",
  ]);
});

test.each([
  ["GET", "/api/v1/nodes"],
  ["PATCH", "/api/v1/nodes/entry-1"],
  ["GET", `/api/v1/namespaces/${namespace}/secrets/${name}`],
  ["GET", `/api/v1/namespaces/${namespace}/configmaps/${name}`],
  ["GET", `/api/v1/namespaces/${namespace}/pods`],
  ["DELETE", `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`],
  ["GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"],
  ["POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"],
] as const)("it may not %s %s", async (method, path) => {
  const body = method === "GET" || method === "DELETE" ? undefined : {};
  const { status } = await agent.call(method, path, body, signal);
  expect(status).toBe(403);
});

test("of ten who want a Lease at once one has it, each time; nobody's write is lost", async () => {
  const leases = openLeases(agent, { namespace, name });
  const one = () => leases.list(signal).then((all) => all.find((lease) => lease.name === "contended"));
  const everybody = Array.from({ length: 10 }, (_, n) => `agent-${n}`);
  const winners = async (current: Lease | undefined) => {
    const wrote = await Promise.all(
      everybody.map((holder) =>
        leases.write(
          "contended",
          content(holder, (current?.transitions ?? -1) + 1),
          current?.version,
          signal,
        ),
      ),
    );
    return wrote.filter((lease) => lease !== undefined);
  };
  let current: Lease | undefined;
  for (let round = 0; round < 8; round++) {
    const [winner, ...others] = await winners(current);
    expect(others).toEqual([]);
    // The list is answered from memory and may be a moment behind: never ahead, and right in the end.
    await expect.poll(one, { timeout: 60_000 }).toMatchObject({ holder: winner?.holder, transitions: round });
    current = winner;
  }
});

test("a Lease goes with the node that owns it", async () => {
  const path = "/api/v1/nodes";
  const made = await server.request({
    method: "POST",
    path,
    body: { apiVersion: "v1", kind: "Node", metadata: { name: "entry-2" } },
  });
  const { uid } = (made.body as { metadata: { uid: string } }).metadata;
  const leases = openLeases(agent, { namespace, name });
  const owner = { apiVersion: "v1", kind: "Node", name: "entry-2", uid };
  await leases.write("of-entry-2", { ...content("entry-2", 0), owner }, undefined, signal);
  await server.request({ method: "DELETE", path: `${path}/entry-2` });
  const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", name: "of-entry-2", namespace };
  await expect.poll(() => api.get(lease), { timeout: 60_000 }).toBeUndefined();
});

test("its pods are admitted where only restricted pods are, and would not be if they might run as root", async () => {
  const given = { ...agentInput, settings: { ...agentInput.settings, namespace: defaultNamespace } };
  const objects = entrypointAgentManifest(given);
  const daemonSet = objects.find(({ kind }) => kind === "DaemonSet");
  const { template } = (daemonSet as unknown as { spec: { template: PodTemplate } }).spec;
  await api.apply(objects.filter(({ kind }) => kind === "Namespace" || kind === "ServiceAccount"));
  const create = async ({ metadata, spec }: PodTemplate) => {
    const { status, body } = await server.request({
      method: "POST",
      path: `/api/v1/namespaces/${defaultNamespace}/pods?dryRun=All`,
      body: { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "agent-of-entry-1" }, spec },
    });
    return { status, message: (body as { message?: string }).message };
  };
  try {
    const namespaces = await server.request({
      method: "GET",
      path: `/api/v1/namespaces/${defaultNamespace}`,
    });
    expect(namespaces.body).toMatchObject({
      metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    });
    expect(await create(template)).toEqual({ status: 201, message: undefined });
    const { runAsNonRoot: _, ...securityContext } = template.spec.securityContext;
    expect(await create({ ...template, spec: { ...template.spec, securityContext } })).toEqual({
      status: 403,
      message: expect.stringMatching(/violates PodSecurity "restricted.*runAsNonRoot/),
    });
  } finally {
    await api.delete({ apiVersion: "v1", kind: "Namespace", name: defaultNamespace });
  }
});

test("the objects it is made of are not changed by being used", async () => {
  const objects: readonly KubernetesObject[] = entrypointAgentManifest(agentInput).filter(
    ({ kind }) => kind !== "DaemonSet",
  );
  expect((await api.apply(objects)).filter(({ changed }) => changed)).toEqual([]);
});
