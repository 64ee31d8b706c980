import fc from "fast-check";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import {
  type Kubeconfig,
  KubernetesError,
  mergeKubeconfig,
  parseKubeconfig,
  setServer,
} from "../src/index.js";

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const configText = fc
  .record({
    clusters: fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
    users: fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
    contexts: fc.uniqueArray(fc.record({ name, cluster: fc.nat(), user: fc.nat() }), {
      minLength: 1,
      maxLength: 4,
      selector: (context) => context.name,
    }),
  })
  .map(({ clusters, users, contexts }) =>
    stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: clusters.map((one) => ({
        name: one,
        cluster: { server: `https://${one}.example.com:6443` },
      })),
      users: users.map((one) => ({ name: one, user: { token: `token-${one}` } })),
      contexts: contexts.map((one) => ({
        name: one.name,
        context: { cluster: clusters[one.cluster % clusters.length], user: users[one.user % users.length] },
      })),
      "current-context": contexts[0]?.name,
    }),
  );

/** What a context means: the server and the token behind it. */
function meaning(config: Kubeconfig, context: string) {
  const entry = config.contexts.find((one) => one.name === context)?.context;
  return {
    server: config.clusters.find((one) => one.name === entry?.cluster)?.cluster.server,
    token: config.users.find((one) => one.name === entry?.user)?.user.token,
  };
}

test("merging adds one context, keeps the meaning of all others, and again changes nothing", () => {
  fc.assert(
    fc.property(configText, configText, name, (existing, added, context) => {
      const before = parseKubeconfig(existing);
      const source = parseKubeconfig(added);
      const merged = mergeKubeconfig(existing, added, context);
      const after = parseKubeconfig(merged);
      expect(after.currentContext).toBe(context);
      expect(meaning(after, context)).toEqual(meaning(source, source.currentContext!));
      for (const other of before.contexts) {
        if (other.name !== context) expect(meaning(after, other.name)).toEqual(meaning(before, other.name));
      }
      expect(mergeKubeconfig(merged, added, context)).toBe(merged);
    }),
  );
});

test("keeps comments and unknown entries, and the current context when asked to", () => {
  const existing = `# mine
apiVersion: v1
kind: Config
preferences: {colors: true}
clusters:
  - name: work # do not touch
    cluster: {server: "https://work:6443"}
users: []
contexts:
  - name: work
    context: {cluster: work, user: ""}
current-context: work
`;
  const merged = mergeKubeconfig(existing, sample, "homelab", { setCurrent: false });
  expect(merged).toContain("# mine");
  expect(merged).toContain("work # do not touch");
  expect(parse(merged)).toMatchObject({ preferences: { colors: true }, "current-context": "work" });
});

test("makes a new file when there is none", () => {
  for (const existing of [undefined, "", "\n"]) {
    const config = parseKubeconfig(mergeKubeconfig(existing, sample, "homelab", { setCurrent: false }));
    expect(config.currentContext).toBe("homelab");
    expect(config.clusters.map((entry) => entry.name)).toEqual(["homelab"]);
  }
});

test("moves the API server of the current context only", () => {
  const two = mergeKubeconfig(sample, sample, "other");
  const moved = parseKubeconfig(setServer(two, "https://203.0.113.1:6443"));
  expect(moved.clusters.map((entry) => entry.cluster.server)).toEqual([
    "https://10.0.0.1:6443",
    "https://203.0.113.1:6443",
  ]);
});

test.each([
  ["{", "line 1 is not valid YAML"],
  ["[]", "it is not a YAML mapping"],
  ["clusters: [{}]", "clusters[0] has no name"],
  ["clusters: [{name: a, cluster: {}}]", "cluster a has no server"],
  ["users: [{name: a}, {name: a}]", "users has a twice"],
  ["contexts: [{name: a, context: {user: b}}]", "context a has no cluster"],
])("refuses %s", (text, problem) => {
  try {
    parseKubeconfig(text);
    expect.unreachable();
  } catch (error) {
    expect(KubernetesError.isInstance(error) && error.code).toBe("CONFIG_INVALID");
    expect((error as Error).message).toContain(problem);
  }
});

test("never quotes the document, which holds secrets", () => {
  expect(() => parseKubeconfig("users:\n - name: a\n   user: {token: hunter2")).toThrow(/^(?!.*hunter2)/s);
});

const sample = stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "local", cluster: { server: "https://10.0.0.1:6443" } }],
  users: [{ name: "admin", user: { token: "t" } }],
  contexts: [{ name: "local", context: { cluster: "local", user: "admin" } }],
  "current-context": "local",
});
