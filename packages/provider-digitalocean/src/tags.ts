import type { SiteContext } from "@multicloud/core/plugin";
import type { Client } from "./client.js";
import { findOrCreate } from "./ensure.js";
import type { WireTag } from "./wire.js";

/** Makes a tag that is missing. `before` runs first when it is. */
export async function ensureTag(
  client: Client,
  context: SiteContext,
  name: string,
  before?: () => Promise<void>,
): Promise<void> {
  let first = true;
  await findOrCreate(
    context,
    () => client.find<{ tag: WireTag }>(context, `/v2/tags/${encodeURIComponent(name)}`),
    async () => {
      if (first) await before?.();
      first = false;
      return client.post<{ tag: WireTag }>(context, "/v2/tags", { name });
    },
  );
}

/** Names of all tags of the account. */
export async function listTags(client: Client, context: SiteContext): Promise<string[]> {
  return (await client.all<WireTag, "name">(context, "/v2/tags", "tags", "name")).map((tag) => tag.name);
}
