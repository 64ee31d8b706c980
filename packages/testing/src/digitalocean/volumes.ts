import type { Route } from "../world/http-service.js";
import { integer, listOf, orNull, readBody, text } from "./body.js";
import { notFound, refuse } from "./errors.js";
import { pageOf } from "./paging.js";
import { regionBody } from "./reference-data.js";
import { effect, type Store, type Volume } from "./store.js";
import { checkTagName } from "./tags.js";

const fields = {
  name: text({
    pattern: /^[a-z][a-z0-9-]{0,63}$/,
    wrong: "must begin with a letter and have only lower-case letters, digits and -",
  }),
  size_gigabytes: integer,
  region: text(),
  description: text(),
  filesystem_type: text({ pattern: /^(ext4|xfs)$/, wrong: "must be ext4 or xfs" }),
  filesystem_label: text({ max: 16 }),
  snapshot_id: text(),
  tags: orNull(listOf(text())),
};

/** Block storage. A volume is on one droplet at most, outlives it, and cannot be deleted while it is on one. */
export function volumeRoutes(store: Store): readonly Route[] {
  const required = (id: string) => {
    const found = store.volumes.get(id);
    if (!found) throw notFound();
    return found;
  };
  return [
    {
      method: "GET",
      path: "/v2/volumes",
      handle(request) {
        const name = request.query.get("name");
        const region = request.query.get("region");
        const found = [...store.volumes.values()].filter(
          (volume) =>
            (name === null || volume.name === name) && (region === null || volume.region.slug === region),
        );
        return pageOf(
          request,
          "volumes",
          found.map((volume) => volumeBody(store, volume)),
          store.pageSize,
        );
      },
    },
    {
      method: "POST",
      path: "/v2/volumes",
      async handle({ body }) {
        const given = readBody(body, fields, ["name", "size_gigabytes", "region"]);
        const region = store.regions.find(({ slug }) => slug === given.region);
        if (!region) throw refuse(422, "region is invalid");
        const size = Number(given.size_gigabytes);
        if (size < 1 || size > 16_384) throw refuse(422, "size_gigabytes must be between 1 and 16384");
        const name = String(given.name);
        const twin = [...store.volumes.values()].some(
          (volume) => volume.name === name && volume.region.slug === region.slug,
        );
        if (twin) throw refuse(409, "failed to create volume: name already exists");
        const tags = (given.tags ?? []) as string[];
        for (const tag of tags) checkTagName(tag);
        const volume: Volume = {
          ...{ id: crypto.randomUUID(), name, region, size, tags: new Set(tags) },
          description: String(given.description ?? ""),
          filesystem: String(given.filesystem_type ?? ""),
          createdAt: store.timestamp(),
        };
        store.volumes.set(volume.id, volume);
        for (const tag of store.addTags(tags)) await effect(store, "tag", "create", tag);
        await effect(store, "volume", "create", name);
        return { status: 201, body: { volume: volumeBody(store, volume) } };
      },
    },
    {
      method: "GET",
      path: "/v2/volumes/:volume",
      handle: ({ params }) => ({
        status: 200,
        body: { volume: volumeBody(store, required(params.volume!)) },
      }),
    },
    {
      method: "DELETE",
      path: "/v2/volumes/:volume",
      async handle({ params }) {
        const volume = required(params.volume!);
        if (volume.dropletId !== undefined) throw refuse(409, "attached volume cannot be deleted");
        store.volumes.delete(volume.id);
        await effect(store, "volume", "delete", volume.name);
        return { status: 204 };
      },
    },
  ];
}

function volumeBody(store: Store, volume: Volume) {
  return {
    id: volume.id,
    name: volume.name,
    description: volume.description,
    size_gigabytes: volume.size,
    region: regionBody(store, volume.region),
    droplet_ids: volume.dropletId === undefined ? [] : [volume.dropletId],
    filesystem_type: volume.filesystem,
    filesystem_label: "",
    created_at: volume.createdAt,
    tags: [...volume.tags],
  };
}
