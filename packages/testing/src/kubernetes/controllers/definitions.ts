import { type ApiObject, type Fields, fields, fieldsList } from "../api-object.js";
import { metadataSchema } from "../builtin-schemas.js";
import { object, type Schema, string } from "../schema.js";
import { hasCondition, setCondition } from "./conditions.js";
import type { ControllerParts } from "./controller-manager.js";

/** CustomResourceDefinitions become Established a moment after they were made; from then on their kinds are served. */
export function reconcileDefinitions(parts: ControllerParts): void {
  const { store, timing } = parts;
  const definitions = store.all("apiextensions.k8s.io/v1", "CustomResourceDefinition");
  for (const definition of definitions) {
    const { uid } = definition.metadata;
    if (hasCondition(definition, "Established")) serve(parts, definition);
    else
      parts.later(`crd:${uid}`, timing.rolloutMs / 20, () => {
        store.modify(definition, (draft) => {
          const names = fields(fields(draft.spec).names);
          draft.status = {
            ...draft.status,
            acceptedNames: names,
            storedVersions: versions(draft).map(({ name }) => name),
          };
          setCondition(
            draft,
            { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" },
            parts.now(),
          );
          setCondition(
            draft,
            {
              type: "Established",
              status: "True",
              reason: "InitialNamesAccepted",
              message: "the initial names have been accepted",
            },
            parts.now(),
          );
        });
      });
  }
  for (const type of store.types().filter(({ custom }) => custom)) {
    const gone = !definitions.some(({ metadata }) => metadata.name === `${type.plural}.${type.group}`);
    if (gone) store.removeTypes(type.group, type.plural);
  }
}

function versions(definition: ApiObject): Fields[] {
  return fieldsList(fields(definition.spec).versions).filter(({ served }) => served === true);
}

function serve({ store }: ControllerParts, definition: ApiObject): void {
  const spec = fields(definition.spec);
  const names = fields(spec.names);
  for (const version of versions(definition)) {
    const apiVersion = `${String(spec.group)}/${String(version.name)}`;
    const present = store.type(apiVersion, String(names.kind));
    const schema = fields(version.schema).openAPIV3Schema as Schema | undefined;
    const { uid, generation } = definition.metadata;
    const origin = `${uid}/${generation}`;
    if (present?.origin === origin) continue;
    store.addType({
      group: String(spec.group),
      version: String(version.name),
      kind: String(names.kind),
      plural: String(names.plural),
      singular: String(names.singular),
      shortNames: (names.shortNames as string[] | undefined) ?? [],
      namespaced: spec.scope === "Namespaced",
      status: fields(version.subresources).status !== undefined,
      subresources: [],
      schema: withMetadata(schema),
      custom: true,
      origin,
    });
  }
}

/** A definition's schema says nothing about what every object has. */
function withMetadata(schema: Schema | undefined): Schema {
  if (!schema?.properties) return { ...schema, "x-kubernetes-preserve-unknown-fields": true };
  return {
    ...schema,
    properties: {
      ...object({ apiVersion: string, kind: string }).properties,
      ...schema.properties,
      metadata: metadataSchema,
    },
  };
}
