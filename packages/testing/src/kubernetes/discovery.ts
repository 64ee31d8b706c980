import type { ApiRequest } from "./request.js";
import { apiVersionOf, type ResourceType } from "./resource-type.js";
import type { ApiAnswer } from "./writes.js";

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** `/version`, `/healthz`, `/api`, `/apis` and the lists below them; `undefined` for any other path. */
export function discover(
  request: ApiRequest,
  accept: string,
  types: readonly ResourceType[],
  version: string,
): ApiAnswer | undefined {
  const path = request.path.replace(/\/$/, "");
  if (["/healthz", "/livez", "/readyz"].includes(path)) return { status: 200, body: "ok" };
  if (path === "/version") return { status: 200, body: versionInfo(version) };
  const aggregated = accept.includes("as=APIGroupDiscoveryList");
  if (path === "/api")
    return aggregated
      ? aggregate(types.filter(({ group }) => group === ""))
      : { status: 200, body: coreVersions };
  if (path === "/apis") {
    const grouped = types.filter(({ group }) => group !== "");
    return aggregated ? aggregate(grouped) : { status: 200, body: groupList(grouped) };
  }
  const match = /^\/(?:api\/(v1)|apis\/([^/]+)(?:\/([^/]+))?)$/.exec(path);
  if (!match) return undefined;
  const [, core, group, groupVersion] = match;
  if (group !== undefined && groupVersion === undefined) {
    const own = types.filter((type) => type.group === group);
    return own.length > 0
      ? { status: 200, body: { kind: "APIGroup", apiVersion: "v1", ...oneGroup(own) } }
      : undefined;
  }
  const apiVersion = core ?? `${group}/${groupVersion}`;
  const own = types.filter((type) => apiVersionOf(type) === apiVersion);
  if (own.length === 0) return undefined;
  return {
    status: 200,
    body: {
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion: apiVersion,
      resources: own.flatMap(resources),
    },
  };
}

const coreVersions = {
  kind: "APIVersions",
  versions: ["v1"],
  serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: "127.0.0.1:6443" }],
};

function versionInfo(version: string) {
  const [major = "1", minor = "0"] = version.replace(/^v/, "").split(".");
  return {
    major,
    minor,
    gitVersion: version,
    gitTreeState: "clean",
    goVersion: "go1.24",
    platform: "linux/amd64",
  };
}

function resources(type: ResourceType): unknown[] {
  const shared = { namespaced: type.namespaced, kind: type.kind };
  const main = {
    name: type.plural,
    singularName: type.singular,
    ...shared,
    verbs,
    ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
  };
  const status = type.status
    ? [{ name: `${type.plural}/status`, singularName: "", ...shared, verbs: ["get", "patch", "update"] }]
    : [];
  const others = type.subresources.map((name) => ({
    name: `${type.plural}/${name}`,
    singularName: "",
    namespaced: type.namespaced,
    ...(name === "eviction" ? { group: "policy", version: "v1", kind: "Eviction" } : { kind: type.kind }),
    verbs: ["create"],
  }));
  return [main, ...status, ...others];
}

function versionsOf(types: readonly ResourceType[]) {
  const versions = [...new Set(types.map(apiVersionOf))];
  return versions.map((groupVersion) => ({ groupVersion, version: groupVersion.split("/").at(-1)! }));
}

function oneGroup(types: readonly ResourceType[]) {
  const versions = versionsOf(types);
  return { name: types[0]?.group ?? "", versions, preferredVersion: versions[0] };
}

function byGroup(types: readonly ResourceType[]): ResourceType[][] {
  const names = [...new Set(types.map(({ group }) => group))];
  return names.map((name) => types.filter(({ group }) => group === name));
}

function groupList(types: readonly ResourceType[]) {
  return { kind: "APIGroupList", apiVersion: "v1", groups: byGroup(types).map(oneGroup) };
}

/** All groups, versions and resources in one answer (apidiscovery.k8s.io/v2). */
function aggregate(types: readonly ResourceType[]): ApiAnswer {
  const items = byGroup(types).map((own) => ({
    metadata: { name: own[0]?.group ?? "", creationTimestamp: null },
    versions: versionsOf(own).map(({ groupVersion, version }) => ({
      version,
      freshness: "Current",
      resources: own
        .filter((type) => apiVersionOf(type) === groupVersion)
        .map((type) => ({
          resource: type.plural,
          responseKind: { group: type.group, version: type.version, kind: type.kind },
          scope: type.namespaced ? "Namespaced" : "Cluster",
          singularResource: type.singular,
          verbs,
          ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
          subresources: [...(type.status ? ["status"] : []), ...type.subresources].map((subresource) => ({
            subresource,
            verbs: ["get", "patch", "update"],
          })),
        })),
    })),
  }));
  return {
    status: 200,
    body: { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items },
  };
}
