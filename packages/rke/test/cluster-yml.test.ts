import { existsSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { clusterYmlOf, renderClusterYml } from "../src/cluster-yml/render.js";
import { clusterYml } from "../src/cluster-yml/schema.js";
import type { Shape } from "../src/cluster-yml/shape.js";
import { findProblems } from "../src/cluster-yml/validate.js";
import { type RkeOptions, withDefaults } from "../src/options.js";

type Input = Parameters<typeof clusterYmlOf>[0];

function nodeOf(
  site: string,
  role: "master" | "worker",
  index: number,
  address: string,
  publicAddress?: string,
) {
  const overlayAddress = `10.144.0.${index}`;
  const jump =
    site === "home" ? [{ host: "198.51.100.7", port: 2222, user: "gate", hostKey: "ssh-ed25519 AAAA" }] : [];
  return {
    name: `multicloud-${site}-${role}-${role === "worker" && site === "home" ? index - 3 : 1}`,
    site,
    role,
    labels: { "topology.kubernetes.io/region": site },
    jump,
    address,
    port: 22,
    user: site === "digitalocean" ? "root" : "debian",
    ...(publicAddress === undefined ? {} : { publicAddress }),
    overlayAddress,
    overlayInterface: "ztks5xhdfg",
  };
}

const homelab: Input["nodes"] = [
  nodeOf("home", "master", 1, "192.168.1.11"),
  nodeOf("ramnode", "master", 2, "203.0.113.10", "203.0.113.10"),
  nodeOf("digitalocean", "master", 3, "203.0.113.20", "203.0.113.20"),
  nodeOf("home", "worker", 4, "192.168.1.12"),
  nodeOf("home", "worker", 5, "192.168.1.13"),
  nodeOf("home", "worker", 6, "192.168.1.14"),
  nodeOf("ramnode", "worker", 7, "203.0.113.11", "203.0.113.11"),
  nodeOf("digitalocean", "worker", 8, "203.0.113.21", "203.0.113.21"),
];

const documentOf = (options: RkeOptions = {}, nodes = homelab) =>
  clusterYmlOf({
    cluster: "multicloud",
    privateKeyFile: "/home/operator/.multicloud/multicloud/id_ed25519",
    nodes,
    settings: withDefaults(options),
  });

test("the homelab's cluster.yml", async () => {
  const text = renderClusterYml(
    documentOf({
      upstreamNameservers: ["9.9.9.9", "1.1.1.1"],
      addonsInclude: ["https://example.com/addon.yaml"],
      config: {
        authentication: { sans: ["api.example.com"] },
        nodes: [
          {
            hostname_override: "multicloud-home-worker-1",
            taints: [{ key: "disk", value: "slow", effect: "NoSchedule" }],
          },
        ],
      },
    }),
  );
  await expect(text).toMatchFileSnapshot("golden/homelab.cluster.yml");
});

test("the order of the nodes does not matter", () => {
  expect(renderClusterYml(documentOf({}, [...homelab].reverse()))).toBe(renderClusterYml(documentOf()));
});

test("tells canal its interface by canal's own option", () => {
  const { network } = documentOf({ config: { network: { plugin: "canal" } } });
  expect(network).toEqual({ plugin: "canal", options: { canal_iface: "ztks5xhdfg" } });
});

test("a string that YAML 1.1 reads as something else stays a string", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.constantFrom("no", "y", "on", "012", "1:20", "1e3", "~", "0x1f", ""), fc.string()),
      (value) => {
        const text = renderClusterYml(
          documentOf({ config: { services: { kubelet: { extra_args: { value } } } } }),
        );
        expect(parse(text, { version: "1.1" }).services.kubelet.extra_args.value).toBe(value);
      },
    ),
  );
});

const schemaFile = new URL("../../../../shared/specs/rke1-cluster.schema.json", import.meta.url);
const hasSchema = existsSync(schemaFile);
if (!hasSchema)
  console.warn(
    "skipped: the schema of RKE's cluster.yml is not here, so our types were not compared with it",
  );

describe.skipIf(!hasSchema)("against RKE's own types", () => {
  const schema = hasSchema ? JSON.parse(readFileSync(schemaFile, "utf8")) : {};

  // The document lost the members of three Kubernetes types that RKE embeds (`v1.EnvVar`, `v1.Volume`,
  // `v1.VolumeMount`): there they have none, in RKE they are passed on.
  for (const name of ["ExtraEnv", "ExtraVolume", "ExtraVolumeMount"]) {
    if (schema.definitions) schema.definitions[name] = { type: "object" };
  }
  const validate = hasSchema ? new Ajv({ strict: false, allErrors: true }).compile(schema) : undefined;

  test("has the same keys, with values of the same types", () => {
    expect(keysOfShape(clusterYml)).toEqual(keysOfSchema(schema, schema));
  });

  test("accepts whatever our types accept", () => {
    fc.assert(
      fc.property(arbitraryOf(clusterYml), (document) => {
        expect(findProblems(clusterYml, document, "")).toEqual([]);
        expect(validate?.(document), JSON.stringify(validate?.errors)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("accepts whatever we render", () => {
    const document = parse(renderClusterYml(documentOf()), { version: "1.1" });
    expect(validate?.(document), JSON.stringify(validate?.errors)).toBe(true);
  });

  test("refuses what we refuse", () => {
    for (const document of [
      { services: { kube_api: {} } },
      { nodes: [{ port: 22 }] },
      { addons_include: "x" },
    ]) {
      expect(validate?.(document)).toBe(false);
      expect(findProblems(clusterYml, document, "")).toHaveLength(1);
    }
  });
});

/** Documents of a shape. */
function arbitraryOf(shape: Shape): fc.Arbitrary<unknown> {
  if (shape === "string" || shape === "secret") return fc.string();
  if (shape === "integer") return fc.integer();
  if (shape === "number") return fc.double({ noNaN: true, noDefaultInfinity: true });
  if (shape === "boolean") return fc.boolean();
  if (shape === "object") return fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 });
  if (typeof shape === "string") throw new Error(shape);
  if ("oneOf" in shape) return fc.constantFrom(...shape.oneOf);
  if ("list" in shape) return fc.array(arbitraryOf(shape.list), { maxLength: 2 });
  if ("map" in shape) return fc.dictionary(fc.string(), arbitraryOf(shape.map), { maxKeys: 2 });
  const keys = Object.entries(shape.keys).map(([key, inner]) => [key, arbitraryOf(inner)] as const);
  return fc.record(Object.fromEntries(keys), { requiredKeys: [] });
}

function keysOfShape(shape: Shape, path = ""): string[] {
  if (shape === "secret") return [`${path} string`];
  if (typeof shape === "string") return [`${path} ${shape}`];
  if ("oneOf" in shape) return [`${path} string`];
  if ("list" in shape) return keysOfShape(shape.list, `${path}[]`);
  if ("map" in shape) return keysOfShape(shape.map, `${path}.*`);
  return Object.entries(shape.keys)
    .flatMap(([key, inner]) => keysOfShape(inner, `${path}.${key}`))
    .sort();
}

interface SchemaNode {
  readonly $ref?: string;
  readonly type?: string;
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly definitions?: Readonly<Record<string, SchemaNode>>;
}

function keysOfSchema(node: SchemaNode, root: SchemaNode, path = ""): string[] {
  if (node.$ref) return keysOfSchema(root.definitions?.[node.$ref.split("/").at(-1) ?? ""] ?? {}, root, path);
  if (node.items) return keysOfSchema(node.items, root, `${path}[]`);
  if (typeof node.additionalProperties === "object")
    return keysOfSchema(node.additionalProperties, root, `${path}.*`);
  if (!node.properties) return [`${path} ${node.type}`];
  return Object.entries(node.properties)
    .flatMap(([key, inner]) => keysOfSchema(inner, root, `${path}.${key}`))
    .sort();
}
