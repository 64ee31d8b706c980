import { isIP } from "node:net";
import type { Route } from "../world/http-service.js";
import { type FieldCheck, integer, listOf, object, orNull, readBody, text } from "./body.js";
import { notFound, refuse } from "./errors.js";
import { pageOf } from "./paging.js";
import { effect, type Firewall, type Store } from "./store.js";

const address: FieldCheck = (value) => {
  if (typeof value !== "string") return "must be a string";
  const [ip = "", prefix, more] = value.split("/");
  const bits = isIP(ip) === 4 ? 32 : 128;
  const valid =
    isIP(ip) && more === undefined && (prefix === undefined || (/^\d+$/.test(prefix) && +prefix <= bits));
  return valid ? undefined : `${value} is not an address or CIDR`;
};
const ports: FieldCheck = (value) => {
  if (typeof value !== "string") return "must be a string";
  if (value === "all" || value === "0" || value === "") return undefined;
  const [first = "", last = first, more] = value.split("-");
  const valid = [first, last].every((port) => /^\d+$/.test(port) && +port >= 1 && +port <= 65_535);
  return valid && more === undefined && +first <= +last
    ? undefined
    : `${value} is not a port or range of ports`;
};
const target = object({
  addresses: listOf(address),
  droplet_ids: listOf(integer),
  load_balancer_uids: listOf(text()),
  kubernetes_ids: listOf(text()),
  tags: orNull(listOf(text())),
});
const protocol = text({ pattern: /^(tcp|udp|icmp)$/, wrong: "must be tcp, udp or icmp" });
const rules = (side: "sources" | "destinations") =>
  orNull(listOf(object({ protocol, ports, [side]: target }, ["protocol", "ports", side])));
const fields = {
  name: text({ pattern: /^[a-zA-Z0-9][a-zA-Z0-9.-]+$/, max: 255, wrong: "is invalid" }),
  inbound_rules: rules("sources"),
  outbound_rules: rules("destinations"),
  droplet_ids: orNull(listOf(integer)),
  tags: orNull(listOf(text())),
};

/** Firewalls. One without outbound rules drops all that its droplets send. */
export function firewallRoutes(store: Store): readonly Route[] {
  const required = (id: string) => {
    const found = store.firewalls.get(id);
    if (!found) throw notFound();
    return found;
  };
  const read = (body: unknown, self?: Firewall): Firewall["body"] => {
    const given = readBody(body, fields, ["name"]);
    const inbound = (given.inbound_rules ?? []) as unknown[];
    const outbound = (given.outbound_rules ?? []) as unknown[];
    if (inbound.length + outbound.length === 0) throw refuse(422, "must have at least one rule");
    const tags = (given.tags ?? []) as string[];
    const missing = tags.find((tag) => !store.tags.has(tag));
    if (missing) throw refuse(422, `tag ${missing} does not exist`);
    const droplets = (given.droplet_ids ?? []) as number[];
    if (droplets.some((id) => !store.droplets.has(id)))
      throw refuse(422, "droplet_ids has an unknown droplet");
    const name = String(given.name);
    const twin = [...store.firewalls.values()].some((other) => other !== self && other.body.name === name);
    if (twin) throw refuse(409, "duplicate name");
    const all = (rule: unknown) => {
      const { ports: given, ...rest } = rule as { ports: string };
      return { ...rest, ports: given === "all" || given === "" ? "0" : given };
    };
    return {
      name,
      inbound_rules: inbound.map(all),
      outbound_rules: outbound.map(all),
      droplet_ids: droplets,
      tags,
    };
  };
  const answer = (status: number, firewall: Firewall) => ({
    status,
    body: { firewall: firewallBody(store, firewall) },
  });
  return [
    {
      method: "GET",
      path: "/v2/firewalls",
      handle: (request) =>
        pageOf(
          request,
          "firewalls",
          [...store.firewalls.values()].map((firewall) => firewallBody(store, firewall)),
          store.pageSize,
        ),
    },
    {
      method: "POST",
      path: "/v2/firewalls",
      async handle({ body }) {
        const firewall = { id: crypto.randomUUID(), createdAt: store.timestamp(), body: read(body) };
        store.firewalls.set(firewall.id, firewall);
        await effect(store, "firewall", "create", firewall.body.name);
        return answer(202, firewall);
      },
    },
    {
      method: "GET",
      path: "/v2/firewalls/:firewall",
      handle: ({ params }) => answer(200, required(params.firewall!)),
    },
    {
      method: "PUT",
      path: "/v2/firewalls/:firewall",
      async handle({ params, body }) {
        const firewall = required(params.firewall!);
        firewall.body = read(body, firewall);
        await effect(store, "firewall", "update", firewall.body.name);
        return answer(200, firewall);
      },
    },
    {
      method: "DELETE",
      path: "/v2/firewalls/:firewall",
      async handle({ params }) {
        const firewall = required(params.firewall!);
        store.firewalls.delete(firewall.id);
        await effect(store, "firewall", "delete", firewall.body.name);
        return { status: 204 };
      },
    },
  ];
}

function firewallBody(store: Store, firewall: Firewall) {
  const tagged = [...store.droplets.values()].filter((droplet) =>
    firewall.body.tags.some((tag) => droplet.tags.has(tag)),
  );
  const pending = tagged
    .filter((droplet) => droplet.status === "new")
    .map((droplet) => ({ droplet_id: droplet.id, removing: false, status: "waiting" }));
  return {
    id: firewall.id,
    status: pending.length ? "waiting" : "succeeded",
    created_at: firewall.createdAt,
    pending_changes: pending,
    ...firewall.body,
  };
}
