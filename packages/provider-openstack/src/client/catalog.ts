import { MulticloudError, nearest } from "@multicloud/core/plugin";
import type { EndpointInterface } from "./settings.js";

/** One service of a token's catalog, as Keystone sends it. */
export interface CatalogEntry {
  readonly type: string;
  readonly name?: string;
  readonly endpoints: readonly {
    readonly interface: string;
    readonly region?: string | null;
    readonly region_id?: string | null;
    readonly url: string;
  }[];
}

/** What to look for in the catalog. */
export interface EndpointQuery {
  /** Names of the service type, the official one first (service-types-authority). */
  readonly types: readonly string[];
  readonly region: string | undefined;
  readonly interface: EndpointInterface;
  /** For messages: `cloud "home" in /etc/openstack/clouds.yaml`. */
  readonly source: string;
}

/** The URL of a service as the catalog has it. Throws `CONFIG_INVALID` when the service, the region or the interface is not there. */
export function findEndpoint(catalog: readonly CatalogEntry[], query: EndpointQuery): string {
  const [service] = query.types;
  const endpoints = query.types.flatMap((type) =>
    catalog.filter((entry) => entry.type === type).flatMap((entry) => entry.endpoints),
  );
  if (endpoints.length === 0) {
    throw new MulticloudError(`the catalog of ${query.source} has no ${service} service`, {
      code: "CONFIG_INVALID",
      hint: `it has: ${[...new Set(catalog.map((entry) => entry.type))].join(", ") || "nothing"}`,
    });
  }
  const ofInterface = endpoints.filter(
    (endpoint) => endpoint.interface.replace(/URL$/, "") === query.interface,
  );
  if (ofInterface.length === 0) {
    throw new MulticloudError(
      `the ${service} service of ${query.source} has no ${query.interface} endpoint`,
      {
        code: "CONFIG_INVALID",
        hint: `it has: ${[...new Set(endpoints.map((endpoint) => endpoint.interface))].join(", ")}; set \`interface\``,
      },
    );
  }
  const regions = [...new Set(ofInterface.map(regionOf))];
  if (query.region === undefined && regions.length > 1) {
    throw new MulticloudError(`${query.source} has several regions: ${regions.join(", ")}`, {
      code: "CONFIG_INVALID",
      hint: "choose one with `region`",
    });
  }
  const found = ofInterface.find(
    (endpoint) => query.region === undefined || regionOf(endpoint) === query.region,
  );
  if (found) return found.url;
  const suggestion = nearest(query.region!, regions);
  throw new MulticloudError(
    `${query.source} has no region "${query.region}" for ${service}${suggestion ? `; did you mean "${suggestion}"?` : ""}`,
    { code: "CONFIG_INVALID", hint: `it has: ${regions.join(", ")}` },
  );
}

function regionOf(endpoint: { readonly region?: string | null; readonly region_id?: string | null }): string {
  return endpoint.region_id ?? endpoint.region ?? "";
}

/**
 * A service's base URL with its API version, whatever the catalog has: with or without version, a trailing
 * slash, a path prefix such as `/compute`, or the project's id at the end.
 *
 * @param version path of the API version to use, for example `v2.1`
 * @param suffix follows the version when nothing does, for services that want the project's id
 */
export function versionedUrl(url: string, version: string, suffix = ""): string {
  const parsed = new URL(url);
  const segments = parsed.pathname.split("/").filter(Boolean);
  const major = version.split(".")[0]!;
  const at = segments.findIndex((segment) => /^v\d+(\.\d+)?$/.test(segment));
  const last = at === segments.length - 1;
  if (at < 0) segments.push(version);
  // Same place, version of ours: an old `/v2/<project>` of Nova has no microversions, `/v2.0` of Keystone no v3.
  else if (last || segments[at]!.startsWith(major)) segments[at] = version;
  if (suffix && (at < 0 || last)) segments.push(suffix);
  return `${parsed.origin}/${segments.join("/")}`;
}

/** The part of a {@link versionedUrl} up to its version: where the version tells about itself. */
export function versionRoot(url: string, version: string): string {
  const { origin, pathname } = new URL(url);
  const segments = pathname.split("/");
  return `${origin}${segments.slice(0, segments.indexOf(version) + 1).join("/")}`;
}
