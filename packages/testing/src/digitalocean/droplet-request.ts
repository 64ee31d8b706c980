import { either, flag, integer, listOf, object, orNull, readBody, text } from "./body.js";
import { refuse } from "./errors.js";
import { findImage } from "./reference-data.js";
import { findKey } from "./ssh-keys.js";
import type { SshKey, Store, Volume } from "./store.js";
import { checkTagName } from "./tags.js";

const hostname = /^[a-zA-Z0-9]?[a-z0-9A-Z.-]*[a-z0-9A-Z]$/;
const fields = {
  name: text(),
  names: listOf(text()),
  region: text(),
  size: text(),
  image: either(text(), integer),
  ssh_keys: listOf(either(text(), integer)),
  backups: flag,
  backup_policy: object({ plan: text(), weekday: text(), hour: integer }),
  ipv6: flag,
  monitoring: flag,
  tags: orNull(listOf(text())),
  user_data: text(),
  private_networking: flag,
  volumes: listOf(text()),
  vpc_uuid: text(),
  with_droplet_agent: flag,
  public_networking: flag,
};

/** Reads the body of `POST /v2/droplets`; throws the service's answer to whatever is wrong with it. */
export function readDropletRequest(store: Store, body: unknown) {
  const given = readBody(body, fields, ["size", "image"]);
  const names = namesOf(given);
  const size = store.sizes.find((known) => known.slug === given.size);
  if (!size) throw refuse(422, "You specified an invalid size for Droplet creation.");
  const image = findImage(store, given.image as string | number);
  if (!image) throw refuse(422, "You specified an invalid image for Droplet creation.");
  const serves = (place: { readonly regions?: readonly string[] }, slug: string) =>
    place.regions?.includes(slug) ?? true;
  const wanted = given.region as string | undefined;
  const region = store.regions.find(
    (known) =>
      (known.available ?? true) &&
      (wanted === undefined
        ? serves(size, known.slug)
        : known.slug === wanted || known.slug.replace(/\d+$/, "") === wanted),
  );
  if (!region) throw refuse(422, "You specified an invalid region for Droplet creation.");
  if (!(size.available ?? true) || !serves(size, region.slug))
    throw refuse(422, "Size is not available in this region.");
  if (!serves(image, region.slug)) throw refuse(422, "Image is not available in this region.");
  if ((image.minDiskSize ?? 7) > size.disk)
    throw refuse(422, "The image needs a larger disk than this size has.");
  const userData = given.user_data as string | undefined;
  if (userData !== undefined && Buffer.byteLength(userData) > 65_536) {
    throw refuse(422, "User data is too long (maximum is 64 KiB).");
  }
  const tags = (given.tags ?? []) as string[];
  for (const tag of tags) checkTagName(tag);
  if (store.droplets.size + names.length > store.dropletLimit) {
    throw refuse(422, "creating this/these droplet(s) will exceed your droplet limit");
  }
  const features = [
    "private_networking",
    ...(["backups", "ipv6", "monitoring"] as const).filter((name) => given[name]),
  ];
  return {
    ...{ names, batch: given.names !== undefined, size, image, region, tags, features },
    volumes: volumesOf(store, region.slug, names, (given.volumes ?? []) as string[]),
    keys: keysOf(store, (given.ssh_keys ?? []) as (string | number)[]),
    vpc: vpcOf(store, region.slug, given.vpc_uuid as string | undefined),
    ...(userData === undefined ? {} : { userData }),
  };
}

function namesOf(given: Record<string, unknown>): string[] {
  if ((given.name === undefined) === (given.names === undefined))
    throw refuse(422, "either name or names is required");
  const names = given.names === undefined ? [String(given.name)] : (given.names as string[]);
  if (names.length === 0 || names.length > 10) throw refuse(422, "names must have 1 to 10 entries");
  if (names.some((name) => name.length > 255 || !hostname.test(name))) {
    throw refuse(422, "Only valid hostnames are allowed. (a-z, A-Z, 0-9, . and -)");
  }
  return names;
}

function keysOf(store: Store, given: readonly (string | number)[]): SshKey[] {
  const unknown = given.filter((key) => !findKey(store, key));
  if (unknown.length > 0) {
    throw refuse(422, `${JSON.stringify(unknown)} are invalid key identifiers for Droplet creation.`);
  }
  return given.map((key) => findKey(store, key)!);
}

function vpcOf(store: Store, region: string, id: string | undefined) {
  const found =
    id === undefined
      ? [...store.vpcs.values()].find((vpc) => vpc.region === region && vpc.isDefault)
      : store.vpcs.get(id);
  if (!found) throw refuse(422, "VPC was not found.");
  if (found.region !== region) throw refuse(422, "Region does not match the VPC's region.");
  return found;
}

function volumesOf(store: Store, region: string, names: readonly string[], ids: readonly string[]): Volume[] {
  if (ids.length > 0 && names.length > 1)
    throw refuse(422, "volumes can only be attached to a single droplet");
  return ids.map((id) => {
    const found = store.volumes.get(id);
    if (!found) throw refuse(422, `volume ${id} was not found`);
    if (found.region.slug !== region) throw refuse(422, "volume is not in the droplet's region");
    if (found.dropletId !== undefined) throw refuse(422, "volume is already attached to a droplet");
    return found;
  });
}
