import { afterAll, beforeAll, expect, test } from "vitest";
import { builtinSchemas } from "../../packages/testing/src/kubernetes/builtin-schemas.js";
import type { Schema } from "../../packages/testing/src/kubernetes/schema.js";
import { realServer, type Server } from "./servers.js";

/** A schema of `/openapi/v2`. */
interface Definition {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly items?: Definition;
  readonly "x-kubernetes-group-version-kind"?: readonly { readonly group: string; readonly kind: string }[];
}

let server: Server;
let definitions: Readonly<Record<string, Definition>>;
beforeAll(async () => {
  server = await realServer();
  const { body } = await server.request({ method: "GET", path: "/openapi/v2" });
  definitions = (body as { definitions: Record<string, Definition> }).definitions;
});
afterAll(() => server?.close());

function resolve(definition: Definition | undefined): Definition | undefined {
  const name = definition?.$ref?.replace("#/definitions/", "");
  return name === undefined ? definition : resolve(definitions[name]);
}

/** Fields that one of the two has and the other has not, as deep as the emulator's table goes. */
function differences(schema: Schema, definition: Definition | undefined, path: string): string[] {
  const real = resolve(definition);
  if (!real) return [`${path} is only the emulator's`];
  if (schema.items) return differences(schema.items, real.items, `${path}[]`);
  if (!schema.properties) return [];
  const missing = Object.keys(real.properties ?? {}).filter((name) => !(name in schema.properties!));
  return [
    ...missing.map((name) => `${path}.${name} is only the real one's`),
    ...Object.entries(schema.properties).flatMap(([name, member]) =>
      differences(member, real.properties?.[name], `${path}.${name}`),
    ),
  ];
}

test.each(Object.keys(builtinSchemas))(
  "the emulated API server knows the fields of %s, and no others",
  (key) => {
    const [group = "", kind = ""] = key.split("/");
    const definition = Object.entries(definitions).find(
      ([name, one]) =>
        /\.v1\.\w+$/.test(name) &&
        one["x-kubernetes-group-version-kind"]?.some((each) => each.group === group && each.kind === kind),
    )?.[1];
    expect(differences(builtinSchemas[key]!, definition, kind)).toEqual([]);
  },
);
