import { existsSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";

/** A request and its answer as they went over the wire. */
export interface Exchange {
  readonly method: string;
  /** Path below the document's server, without query. */
  readonly path: string;
  /** Names of the query's parameters. */
  readonly query?: readonly string[];
  readonly requestBody?: unknown;
  readonly status: number;
  readonly responseBody: unknown;
}

/** How strict the check is. */
export interface DocumentOptions {
  /** Fields of a request's body and parameters of its query have to be in the document, also where it allows more. Default false. */
  readonly closed?: boolean;
}

type Json = { readonly [key: string]: Json } | undefined;

/**
 * Checks exchanges against an official OpenAPI document that lies beside the repository; `undefined` when it
 * is not there. Gives what is wrong with an exchange, as sentences.
 */
export function openApiDocument(
  file: string,
  { closed = false }: DocumentOptions = {},
): ((exchange: Exchange) => string[]) | undefined {
  const url = new URL(`../../../../shared/specs/${file}`, import.meta.url);
  if (!existsSync(url)) {
    console.warn(`SKIPPED: ${file} is not beside the repository, so nothing is checked against it`);
    return undefined;
  }
  const document = JSON.parse(readFileSync(url, "utf8"));
  const ajv = new Ajv({
    strict: false,
    validateFormats: false,
    validateSchema: false,
    allErrors: true,
    // The documents have patterns such as `\\:`, which no unicode expression may.
    unicodeRegExp: false,
    logger: false,
  });
  ajv.addSchema(document, "api");
  const paths = Object.keys(document.paths).map((template) => ({
    template,
    pattern: new RegExp(`^${template.replace(/\{[^}]+\}/g, "([^/]+)")}$`),
  }));
  // A literal segment wins over a parameter: `/batch` over `/{id}`.
  paths.sort((a, b) => a.template.split("{").length - b.template.split("{").length);

  const follow = (pointer: string): { node: Json; pointer: string } => {
    const parts = pointer
      .split("/")
      .slice(1)
      .map((part) => decodeURIComponent(part.replace(/~1/g, "/").replace(/~0/g, "~")));
    const node = parts.reduce<Json>((at, part) => at?.[part], document);
    const ref = node?.$ref as unknown;
    return typeof ref === "string" ? follow(ref) : { node, pointer };
  };
  const pointerPart = (part: string) => part.replace(/~/g, "~0").replace(/\//g, "~1");
  const validate = (pointer: string, value: unknown, what: string): string[] => {
    const content = follow(pointer);
    if (!content.node?.content)
      return value === undefined ? [] : [`${what} has a body, the document has none`];
    const check = ajv.compile({ $ref: `api${content.pointer}/content/application~1json/schema` });
    if (check(value)) return [];
    return (check.errors ?? []).map((error) => `${what}${error.instancePath} ${error.message}`);
  };

  /** Names of the fields that a schema knows, in all of its parts. */
  const fieldsOf = (pointer: string): string[] => {
    const { node, pointer: at } = follow(pointer);
    const parts = ["allOf", "oneOf", "anyOf"].flatMap((key) =>
      Object.keys(node?.[key] ?? {}).map((index) => `${at}/${key}/${index}`),
    );
    return [...Object.keys(node?.properties ?? {}), ...parts.flatMap(fieldsOf)];
  };
  const unknown = (base: string, { requestBody, query = [] }: Exchange): string[] => {
    const { pointer } = follow(`${base}/requestBody`);
    const known = fieldsOf(`${pointer}/content/application~1json/schema`);
    const given = typeof requestBody === "object" && requestBody !== null ? Object.keys(requestBody) : [];
    const parameters = Object.keys(follow(`${base}/parameters`).node ?? {}).map(
      (index) => follow(`${base}/parameters/${index}`).node?.name as unknown,
    );
    return [
      ...given.filter((field) => !known.includes(field)).map((field) => `request has the unknown ${field}`),
      ...query
        .filter((field) => !parameters.includes(field))
        .map((field) => `query has the unknown ${field}`),
    ];
  };

  return (exchange) => {
    const name = `${exchange.method} ${exchange.path} ${exchange.status}`;
    const found = paths.find(({ pattern }) => pattern.test(exchange.path));
    const method = exchange.method.toLowerCase();
    const operation = found && document.paths[found.template][method];
    if (!found || !operation) return [`${name}: not in the document`];
    const base = `#/paths/${pointerPart(found.template)}/${method}`;
    const responses = Object.keys(operation.responses);
    const status = [String(exchange.status), `${Math.floor(exchange.status / 100)}XX`, "default"].find(
      (key) => responses.includes(key),
    );
    if (!status) return [`${name}: the document has no such status`];
    const problems = validate(`${base}/responses/${status}`, exchange.responseBody, "answer");
    if (exchange.status < 400 && exchange.requestBody !== undefined) {
      problems.push(...validate(`${base}/requestBody`, exchange.requestBody, "request"));
    }
    if (closed && exchange.status < 400) problems.push(...unknown(base, exchange));
    return problems.map((problem) => `${name}: ${problem}`);
  };
}

/** A `fetch` that keeps what goes through it. `prefix` is cut off the paths. */
export function recordingFetch(prefix = ""): {
  readonly fetch: typeof fetch;
  readonly exchanges: Exchange[];
} {
  const exchanges: Exchange[] = [];
  return {
    exchanges,
    async fetch(input, init) {
      const response = await fetch(input, init);
      const url = new URL(input instanceof Request ? input.url : input);
      const text = await response.clone().text();
      exchanges.push({
        method: (init?.method ?? "GET").toUpperCase(),
        path: url.pathname.slice(prefix.length),
        query: [...url.searchParams.keys()],
        ...(typeof init?.body === "string" ? { requestBody: JSON.parse(init.body) } : {}),
        status: response.status,
        responseBody: text ? JSON.parse(text) : undefined,
      });
      return response;
    },
  };
}
