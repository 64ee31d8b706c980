/** A CustomResourceDefinition as short as one can be and still refuse unknown fields of `spec`. */
export function customResource(definition: {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly scope: "Namespaced" | "Cluster";
  readonly labels: Readonly<Record<string, string>>;
  /** Schema of `spec`; default: anything goes. */
  readonly spec?: Readonly<Record<string, unknown>>;
}) {
  const { group, version, kind, plural, scope, labels } = definition;
  const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, labels },
    spec: {
      group,
      scope,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                spec: definition.spec ?? open,
                status: open,
              },
            },
          },
        },
      ],
    },
  };
}
