import { type Route, ServiceError } from "../world/http-service.js";
import { either, integer, listOf, object, readBody, text } from "./body.js";
import { notFound, refuse } from "./errors.js";
import { pageOf } from "./paging.js";
import { type Droplet, effect, type Store } from "./store.js";

const resourceList = listOf(
  object({ resource_id: either(text(), integer), resource_type: text() }, ["resource_id", "resource_type"]),
);

/** Tags, and what they are on. */
export function tagRoutes(store: Store): readonly Route[] {
  const required = (name: string) => {
    if (!store.tags.has(name)) throw notFound();
    return name;
  };
  const droplets = (body: unknown): Droplet[] => {
    const given = readBody(body, { resources: resourceList }, ["resources"]);
    return (given.resources as { resource_id: unknown; resource_type: string }[]).map((resource) => {
      const droplet = store.droplets.get(Number(resource.resource_id));
      if (resource.resource_type !== "droplet" || !droplet) throw notFound();
      return droplet;
    });
  };
  return [
    {
      method: "GET",
      path: "/v2/tags",
      handle: (request) =>
        pageOf(
          request,
          "tags",
          [...store.tags].sort().map((name) => tagBody(store, name)),
          store.pageSize,
        ),
    },
    {
      method: "POST",
      path: "/v2/tags",
      async handle({ body }) {
        const name = String(readBody(body, { name: text() }, ["name"]).name);
        checkTagName(name);
        if (store.addTags([name]).length > 0) await effect(store, "tag", "create", name);
        return { status: 201, body: { tag: tagBody(store, name) } };
      },
    },
    {
      method: "GET",
      path: "/v2/tags/:tag",
      handle: ({ params }) => ({ status: 200, body: { tag: tagBody(store, required(params.tag!)) } }),
    },
    {
      method: "DELETE",
      path: "/v2/tags/:tag",
      async handle({ params }) {
        const name = required(params.tag!);
        store.tags.delete(name);
        for (const droplet of store.droplets.values()) droplet.tags.delete(name);
        for (const volume of store.volumes.values()) volume.tags.delete(name);
        for (const firewall of store.firewalls.values()) {
          const tags = firewall.body.tags.filter((tag) => tag !== name);
          firewall.body = { ...firewall.body, tags };
        }
        await effect(store, "tag", "delete", name);
        return { status: 204 };
      },
    },
    {
      method: "POST",
      path: "/v2/tags/:tag/resources",
      async handle({ params, body }) {
        const name = required(params.tag!);
        for (const droplet of droplets(body)) {
          if (droplet.tags.has(name)) continue;
          droplet.tags.add(name);
          await effect(store, "droplet", "update", droplet.name);
        }
        return { status: 204 };
      },
    },
    {
      method: "DELETE",
      path: "/v2/tags/:tag/resources",
      async handle({ params, body }) {
        const name = required(params.tag!);
        for (const droplet of droplets(body)) {
          if (droplet.tags.delete(name)) await effect(store, "droplet", "update", droplet.name);
        }
        return { status: 204 };
      },
    },
  ];
}

/** Tags have an error form of their own: `{error, messages, root_causes}`. */
export function checkTagName(name: string): void {
  if (name.length > 255) throw refuse(422, "tag name is too long (maximum is 255 characters)");
  if (/^[a-zA-Z0-9_\-:]+$/.test(name)) return;
  const error = `Error validating resource tag: "tag-name \\"${name}\\" contains invalid characters"`;
  const root_causes = [`rpc error: code = InvalidArgument desc = ${error}`];
  throw new ServiceError({ status: 400, body: { error, messages: null, root_causes } });
}

function tagBody(store: Store, name: string) {
  const tagged = [...store.droplets.values()].filter((droplet) => droplet.tags.has(name));
  const last = tagged.at(-1);
  const droplets = {
    count: tagged.length,
    ...(last ? { last_tagged_uri: `https://api.digitalocean.com/v2/droplets/${last.id}` } : {}),
  };
  const none = { count: 0 };
  const volumes = { count: [...store.volumes.values()].filter((volume) => volume.tags.has(name)).length };
  const resources = {
    ...droplets,
    count: tagged.length + volumes.count,
    droplets,
    images: none,
    volumes,
    volume_snapshots: none,
    databases: none,
  };
  return { name, resources };
}
