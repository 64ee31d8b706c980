import type { Route, ServiceRequest } from "../world/http-service.js";
import type { Access } from "./access.js";
import { answer, refuse } from "./envelope.js";
import { page } from "./paging.js";
import { buildRecord, checkConflicts, readRecord } from "./record-rules.js";
import { type Change, commit, type DnsRecord, type Store, type Zone } from "./store.js";

// The limit of the free plan.
const batchLimit = 200;
const base = "/client/v4/zones/:zone/dns_records";

/** DNS records of a zone, one by one and in transactions. */
export function recordRoutes(store: Store, access: Access): readonly Route[] {
  const writable = (request: ServiceRequest) => access.zone(request, "dns:edit");

  /** Runs changes on a copy, so that the first one that is refused leaves everything as it was. */
  async function transaction<T>(
    zone: Zone,
    run: (work: { readonly records: Map<string, DnsRecord>; readonly changes: Change[] }) => T,
  ): Promise<T> {
    const work = { records: new Map(zone.records), changes: [] as Change[] };
    const result = run(work);
    await commit(store, zone, work.records, work.changes);
    return result;
  }
  type Work = { readonly records: Map<string, DnsRecord>; readonly changes: Change[] };

  const create = (zone: Zone, work: Work, body: unknown) => {
    const { id: _, ...input } = readRecord(body);
    const record = buildRecord(store, zone, input, { id: store.nextId(), createdOn: store.timestamp() });
    checkConflicts(work.records.values(), record, "create");
    work.records.set(record.id, record);
    work.changes.push({ action: "create", record });
    return recordBody(record);
  };
  const required = (work: Work, id: unknown) => {
    const found = work.records.get(String(id));
    if (!found) throw refuse(404, 81044, "Record does not exist.");
    return found;
  };
  const update = (zone: Zone, work: Work, id: unknown, body: unknown, method: "PATCH" | "PUT") => {
    const old = required(work, id);
    const record = buildRecord(store, zone, readRecord(body), old, method === "PATCH" ? old : undefined);
    checkConflicts(work.records.values(), record, "update");
    work.records.set(record.id, record);
    work.changes.push({ action: "update", record });
    return recordBody(record);
  };
  const remove = (work: Work, id: unknown) => {
    const record = required(work, id);
    work.records.delete(record.id);
    work.changes.push({ action: "delete", record });
    return record;
  };

  return [
    {
      method: "GET",
      path: base,
      handle(request) {
        const zone = access.zone(request, "dns:read");
        const found = [...zone.records.values()].filter((record) => matches(record, request.query));
        return page(request, found.map(recordBody), { byDefault: 100, min: 1, max: 5_000_000 });
      },
    },
    {
      method: "POST",
      path: base,
      async handle(request) {
        const zone = writable(request);
        return answer(await transaction(zone, (work) => create(zone, work, request.body)));
      },
    },
    {
      method: "POST",
      path: `${base}/batch`,
      async handle(request) {
        const zone = writable(request);
        const { deletes, patches, puts, posts } = readBatch(request.body);
        return answer(
          await transaction(zone, (work) => ({
            deletes: deletes.map((each) => recordBody(remove(work, each.id))),
            patches: patches.map((each) => update(zone, work, each.id, each, "PATCH")),
            puts: puts.map((each) => update(zone, work, each.id, each, "PUT")),
            posts: posts.map((each) => create(zone, work, each)),
          })),
        );
      },
    },
    {
      method: "GET",
      path: `${base}/:record`,
      handle(request) {
        const { records } = access.zone(request, "dns:read");
        return answer(recordBody(required({ records, changes: [] }, request.params.record)));
      },
    },
    ...(["PATCH", "PUT"] as const).map(
      (method): Route => ({
        method,
        path: `${base}/:record`,
        async handle(request) {
          const zone = writable(request);
          const { record } = request.params;
          return answer(await transaction(zone, (work) => update(zone, work, record, request.body, method)));
        },
      }),
    ),
    {
      method: "DELETE",
      path: `${base}/:record`,
      async handle(request) {
        const { id } = await transaction(writable(request), (work) => remove(work, request.params.record));
        return answer({ id });
      },
    },
  ];
}

type Operation = { readonly id?: unknown };

function readBatch(body: unknown) {
  const kinds = ["deletes", "patches", "puts", "posts"] as const;
  const given = (body ?? {}) as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !(kinds as readonly string[]).includes(name));
  if (typeof body !== "object" || unknown !== undefined) throw refuse(400, 9207, "Request body is invalid.");
  const operations = (kind: (typeof kinds)[number]): readonly Operation[] => {
    const list = given[kind] ?? [];
    const good = Array.isArray(list) && list.every((each) => typeof each === "object" && each !== null);
    if (!good) throw refuse(400, 9207, `${kind} must be a list of objects.`);
    return list as Operation[];
  };
  const batch = {
    deletes: operations("deletes"),
    patches: operations("patches"),
    puts: operations("puts"),
    posts: operations("posts"),
  };
  const count = Object.values(batch).reduce((sum, list) => sum + list.length, 0);
  if (count === 0 || count > batchLimit)
    throw refuse(400, 9207, `A batch has 1 to ${batchLimit} operations.`);
  return batch;
}

function matches(record: DnsRecord, query: URLSearchParams): boolean {
  const results: boolean[] = [];
  for (const [parameter, wanted] of query) {
    const [field = "", how = "exact"] = parameter.split(".");
    if (field === "type") results.push(record.type === wanted);
    else if (field === "proxied") results.push(String(record.proxied) === wanted);
    else if (field === "name" || field === "content" || field === "comment") {
      results.push(compare(record[field], how, wanted));
    }
  }
  return query.get("match") === "any" && results.length > 0
    ? results.includes(true)
    : !results.includes(false);
}

function compare(value: string | undefined, how: string, wanted: string): boolean {
  const have = value?.toLowerCase() ?? "";
  const want = wanted.toLowerCase();
  switch (how) {
    case "exact":
      return have === want;
    case "contains":
      return have.includes(want);
    case "startswith":
      return have.startsWith(want);
    case "endswith":
      return have.endsWith(want);
    case "present":
      return have !== "";
    case "absent":
      return have === "";
    default:
      throw refuse(400, 9207, `Unknown filter "${how}".`);
  }
}

function recordBody(record: DnsRecord) {
  return {
    id: record.id,
    name: record.name,
    type: record.type,
    content: record.content,
    proxiable: ["A", "AAAA", "CNAME"].includes(record.type),
    proxied: record.proxied,
    ttl: record.ttl,
    settings: record.settings,
    meta: {},
    comment: record.comment ?? null,
    tags: record.tags,
    created_on: record.createdOn,
    modified_on: record.modifiedOn,
    ...(record.comment === undefined ? {} : { comment_modified_on: record.modifiedOn }),
    ...(record.priority === undefined ? {} : { priority: record.priority }),
  };
}
