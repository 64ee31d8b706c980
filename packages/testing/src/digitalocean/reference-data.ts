import type { Route } from "../world/http-service.js";
import type { ImageOption, RegionOption, SizeOption } from "./catalogue.js";
import { notFound, refuse } from "./errors.js";
import { pageOf } from "./paging.js";
import type { Action, Store, Vpc } from "./store.js";

/** Account, regions, sizes, images, VPCs and actions: what a caller can only read. */
export function referenceDataRoutes(store: Store): readonly Route[] {
  const collection = (path: string, key: string, items: () => readonly unknown[]): Route => ({
    method: "GET",
    path,
    handle: (request) => pageOf(request, key, items(), store.pageSize),
  });
  const vpcs = () => [...store.vpcs.values()].map((vpc) => vpcBody(vpc));
  return [
    { method: "GET", path: "/v2/account", handle: () => ({ status: 200, body: accountBody(store) }) },
    collection("/v2/regions", "regions", () => store.regions.map((region) => regionBody(store, region))),
    collection("/v2/sizes", "sizes", () => store.sizes.map((size) => sizeBody(store, size))),
    collection("/v2/vpcs", "vpcs", vpcs),
    collection("/v2/actions", "actions", () =>
      [...store.actions.values()].reverse().map((action) => actionBody(store, action)),
    ),
    {
      method: "GET",
      path: "/v2/images",
      handle(request) {
        const type = request.query.get("type");
        if (type !== null && type !== "distribution" && type !== "application") {
          throw refuse(400, "type must be distribution or application.");
        }
        const none = type === "application" || request.query.get("private") === "true";
        const images = none ? [] : store.images.map((image) => imageBody(store, image));
        return pageOf(request, "images", images, store.pageSize);
      },
    },
    {
      method: "GET",
      path: "/v2/images/:image",
      handle({ params }) {
        const found = findImage(store, /^\d+$/.test(params.image!) ? Number(params.image) : params.image!);
        if (!found) throw notFound();
        return { status: 200, body: { image: imageBody(store, found) } };
      },
    },
    {
      method: "GET",
      path: "/v2/vpcs/:vpc",
      handle({ params }) {
        const found = store.vpcs.get(params.vpc!);
        if (!found) throw notFound();
        return { status: 200, body: { vpc: vpcBody(found) } };
      },
    },
    {
      method: "GET",
      path: "/v2/actions/:action",
      handle({ params }) {
        const found = store.actions.get(Number(params.action));
        if (!found) throw notFound();
        return { status: 200, body: { action: actionBody(store, found) } };
      },
    },
  ];
}

export function findImage(store: Store, image: string | number) {
  return store.images.find((known) => known.slug === image || known.id === image);
}

function accountBody(store: Store) {
  return {
    account: {
      droplet_limit: store.dropletLimit,
      floating_ip_limit: store.reservedIpLimit,
      email: "sandbox@example.com",
      name: "Sandbox",
      uuid: "b6fr89dbf6d9156cace5f3c78dc9851d957381ef",
      email_verified: true,
      status: "active",
      status_message: "",
      team: { uuid: "5df3e3004a17e242b7c20ca6c9fc25b701a47ece", name: "Sandbox" },
    },
  };
}

export function regionBody(store: Store, region: RegionOption) {
  const sizes = store.sizes.filter((size) => size.regions?.includes(region.slug) ?? true);
  return {
    name: region.name,
    slug: region.slug,
    features: ["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"],
    available: region.available ?? true,
    sizes: sizes.map((size) => size.slug),
  };
}

export function sizeBody(store: Store, size: SizeOption) {
  return {
    slug: size.slug,
    memory: size.memory,
    vcpus: size.vcpus,
    disk: size.disk,
    transfer: size.vcpus,
    price_monthly: size.priceMonthly,
    price_hourly: Math.round((size.priceMonthly / 672) * 100_000) / 100_000,
    regions: size.regions ?? store.regions.map((region) => region.slug),
    available: size.available ?? true,
    description: "Basic",
    disk_info: [{ type: "local", size: { amount: size.disk, unit: "gib" } }],
  };
}

export function imageBody(store: Store, image: ImageOption & { readonly id: number }) {
  return {
    id: image.id,
    name: image.name,
    type: "base",
    distribution: image.distribution,
    slug: image.slug,
    public: true,
    regions: image.regions ?? store.regions.map((region) => region.slug),
    created_at: "2026-01-15T00:00:00Z",
    min_disk_size: image.minDiskSize ?? 7,
    size_gigabytes: 0.7,
    description: `${image.distribution} ${image.name}`,
    tags: [],
    status: "available",
  };
}

function vpcBody(vpc: Vpc) {
  return {
    id: vpc.id,
    urn: `do:vpc:${vpc.id}`,
    name: vpc.name,
    description: "",
    region: vpc.region,
    ip_range: vpc.ipRange,
    default: vpc.isDefault,
    created_at: "2026-01-15T00:00:00Z",
  };
}

export function actionBody(store: Store, action: Action) {
  return {
    id: action.id,
    status: action.status,
    type: action.type,
    started_at: action.startedAt,
    completed_at: action.completedAt ?? null,
    resource_id: action.dropletId,
    // An address's actions name the address's number, which nothing else shows.
    resource_type: action.type === "create" ? "droplet" : "reserved_ip",
    region: regionBody(store, action.region),
    region_slug: action.region.slug,
  };
}
