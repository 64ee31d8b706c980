import type { Route, ServiceRequest } from "../world/http-service.js";
import { htmlBody, refusal, requestId } from "./answers.js";
import { callerOf } from "./identity.js";
import { PagingError, pageOf } from "./paging.js";
import type { ImageRecord } from "./records.js";
import type { CloudState } from "./state.js";

const html = { "content-type": "text/html; charset=UTF-8" };

/** Glance gives this many when the caller does not say (`limit_param_default`). */
const defaultLimit = 25;

const parameters = new Set([
  "name",
  "status",
  "limit",
  "marker",
  "sort",
  "sort_key",
  "sort_dir",
  "visibility",
]);

/** Glance: images, read only. Its errors are web pages, and its `next` link leaves the path's prefix out. */
export function glanceRoutes(state: CloudState, prefix: string): Route[] {
  const authenticate = (request: ServiceRequest) => {
    if (callerOf(state, request)) return;
    throw refusal(
      401,
      htmlBody(
        401,
        "Unauthorized",
        "This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.",
      ),
      { ...requestId(), ...html },
    );
  };
  return [
    {
      method: "GET",
      path: `${prefix}/`,
      handle: (request) => ({
        status: 300,
        body: {
          versions: [
            {
              id: "v2.15",
              status: "CURRENT",
              links: [{ rel: "self", href: `${request.origin}${prefix}/v2/` }],
            },
          ],
        },
      }),
    },
    {
      method: "GET",
      path: `${prefix}/v2/images`,
      handle(request) {
        authenticate(request);
        const name = request.query.get("name");
        const status = request.query.get("status");
        // What is no parameter of the list is a property of the images.
        const properties = [...request.query].filter(([parameter]) => !parameters.has(parameter));
        const matching = state.images
          .filter(
            (image) =>
              (name === null || image.name === name) &&
              (status === null || image.status === status) &&
              properties.every(([property, value]) => image.properties[property] === value),
          )
          .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
        try {
          const page = pageOf(request, matching, (image) => image.id, state.pageSize, defaultLimit);
          const first = new URLSearchParams(request.query);
          first.delete("marker");
          return {
            status: 200,
            body: {
              images: page.items.map(view),
              first: `/v2/images${first.size > 0 ? `?${first}` : ""}`,
              ...(page.next ? { next: `/v2/images?${page.next}` } : {}),
              schema: "/v2/schemas/images",
            },
          };
        } catch (error) {
          if (!(error instanceof PagingError)) throw error;
          throw refusal(400, htmlBody(400, "Bad Request", `Invalid ${error.message}`), html);
        }
      },
    },
    {
      method: "GET",
      path: `${prefix}/v2/images/:id`,
      handle(request) {
        authenticate(request);
        const image = state.images.find((other) => other.id === request.params.id);
        if (image) return { status: 200, body: view(image) };
        throw refusal(404, htmlBody(404, "Not Found", `No image found with ID ${request.params.id}`), html);
      },
    },
  ];
}

function view(image: ImageRecord): unknown {
  return {
    ...image.properties,
    id: image.id,
    name: image.name,
    status: image.status,
    visibility: "public",
    protected: false,
    os_hidden: false,
    container_format: "bare",
    disk_format: "raw",
    min_disk: image.minDisk,
    min_ram: image.minRam,
    size: image.status === "active" ? 1_048_576 : null,
    tags: [],
    created_at: image.createdAt,
    updated_at: image.createdAt,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: "/v2/schemas/image",
  };
}
