import { nearest, type Problem, type SiteContext, type SiteRequest } from "@multicloud/core/plugin";
import type { Client } from "./client.js";
import type { WireImage, WireSize } from "./wire.js";

/** Whether each image exists, is in the region and fits on the disk of each size it is used with. */
export async function checkImages(
  client: Client,
  context: SiteContext,
  request: SiteRequest,
  sizes: ReadonlyMap<string, WireSize>,
  region: string | undefined,
  problems: Problem[],
): Promise<void> {
  const wanted = distinct(request, "image");
  const images = new Map(
    await Promise.all(
      [...new Set(wanted.map(([, image]) => image))].map(
        async (image) =>
          [
            image,
            (await client.find<{ image: WireImage }>(context, `/v2/images/${encodeURIComponent(image)}`))
              ?.image,
          ] as const,
      ),
    ),
  );
  const missing = wanted.filter(([, image]) => !images.get(image));
  const allowed = missing.length > 0 ? await publicSlugs(client, context, region) : [];
  for (const [path, image] of missing) {
    const suggestion = nearest(image, allowed) ?? allowed.find((slug) => slug.startsWith(image));
    const near = suggestion === undefined ? {} : { suggestion };
    problems.push({ path, message: "unknown image", given: image, allowed, ...near });
  }
  for (const [path, slug] of wanted) {
    const image = images.get(slug);
    if (!image) continue;
    if (region !== undefined && !image.regions.includes(region)) {
      problems.push({ path, message: `this image is not in ${region}`, given: slug, allowed: image.regions });
    }
    const tooSmall = request.machines.find(
      (machine) =>
        `${machine.role}s.image` === path &&
        machine.image === slug &&
        (sizes.get(machine.size)?.disk ?? Number.POSITIVE_INFINITY) < (image.min_disk_size ?? 0),
    );
    if (tooSmall) {
      problems.push({
        path: `${tooSmall.role}s.size`,
        message: `the image ${slug} needs a disk of ${image.min_disk_size} GiB`,
        given: tooSmall.size,
      });
    }
  }
}

async function publicSlugs(client: Client, context: SiteContext, region: string | undefined) {
  const query = { type: "distribution" };
  const all = await client.all<WireImage, "id">(context, "/v2/images", "images", "id", query);
  return all
    .filter((image) => region === undefined || image.regions.includes(region))
    .map((image) => image.slug)
    .filter((slug) => slug !== null);
}

/** The different values of a field, each with its path; a value that both pools share is told of once for each. */
export function distinct(request: SiteRequest, field: "size" | "image"): (readonly [string, string])[] {
  const found = new Map<string, readonly [string, string]>();
  for (const machine of request.machines) {
    const path = `${machine.role}s.${field}`;
    found.set(`${path} ${machine[field]}`, [path, machine[field]]);
  }
  return [...found.values()];
}
