import type { OpenStackCall } from "./call.js";
import { createService } from "./service.js";
import type { Session, SessionOptions } from "./session.js";

/** An image. Its own properties are members beside these. */
export interface Image {
  readonly id: string;
  readonly name: string | null;
  /** Only an `active` one can be booted. */
  readonly status: string;
  /** GiB. */
  readonly min_disk: number;
  /** MiB. */
  readonly min_ram: number;
  readonly created_at: string;
}

/** OpenStack Image (Image API v2). */
export interface Glance {
  /** Images with exactly this name or these properties, or all, newest first. */
  listImages(call: OpenStackCall, query?: Readonly<Record<string, string>>): Promise<readonly Image[]>;
  /** `undefined` when it does not exist. */
  getImage(call: OpenStackCall, id: string): Promise<Image | undefined>;
}

export function createGlance(session: Session, options: SessionOptions): Glance {
  const service = createService(session, options, { name: "glance", types: ["image"], version: "v2" });
  return {
    // Glance's own default is 25 a page.
    listImages: (call, query) => service.collect<Image>(call, "images", "images", { limit: 200, ...query }),
    async getImage(call, id) {
      const answer = await service.request<Image>(call, {
        path: `images/${encodeURIComponent(id)}`,
        accept: [404],
      });
      return answer.status === 404 ? undefined : answer.data;
    },
  };
}
