import type { Route, ServiceRequest } from "../world/http-service.js";
import { dropletActionRoutes } from "./droplet-actions.js";
import { readDropletRequest } from "./droplet-request.js";
import { notFound, refuse } from "./errors.js";
import { pageOf } from "./paging.js";
import { imageBody, regionBody, sizeBody } from "./reference-data.js";
import { type Action, type Droplet, effect, type Store } from "./store.js";

const pendingEvent = "Droplet already has a pending event.";

/** Droplets: `new` without addresses first, `active` after the build time, listed until a delete is through. */
export function dropletRoutes(store: Store): readonly Route[] {
  const required = (id: string) => {
    const found = store.droplets.get(Number(id));
    if (!found) throw notFound();
    return found;
  };
  return [
    {
      method: "GET",
      path: "/v2/droplets",
      handle: (request) =>
        pageOf(
          request,
          "droplets",
          select(store, request).map((droplet) => dropletBody(store, droplet)),
          store.pageSize,
        ),
    },
    {
      method: "POST",
      path: "/v2/droplets",
      async handle({ body, origin }) {
        const request = readDropletRequest(store, body);
        const newTags = store.addTags(request.tags);
        const started = request.names.map((name) => start(store, { ...request, name }));
        for (const tag of newTags) await effect(store, "tag", "create", tag);
        for (const { droplet } of started) await effect(store, "droplet", "create", droplet.name);
        const droplets = started.map(({ droplet }) => dropletBody(store, droplet));
        const actions = started.map(({ action }) => ({
          id: action.id,
          rel: "create",
          href: `${origin}/v2/actions/${action.id}`,
        }));
        const result = request.batch ? { droplets } : { droplet: droplets[0] };
        return { status: 202, body: { ...result, links: { actions } } };
      },
    },
    {
      method: "DELETE",
      path: "/v2/droplets",
      async handle(request) {
        const tag = request.query.get("tag_name");
        if (!tag) throw refuse(422, "tag_name is required");
        const tagged = select(store, request);
        if (tagged.some(isBusy)) throw refuse(422, pendingEvent);
        for (const droplet of tagged) remove(store, droplet);
        for (const droplet of tagged) await effect(store, "droplet", "delete", droplet.name);
        return { status: 204 };
      },
    },
    {
      method: "GET",
      path: "/v2/droplets/:droplet",
      handle: ({ params }) => ({
        status: 200,
        body: { droplet: dropletBody(store, required(params.droplet!)) },
      }),
    },
    {
      method: "DELETE",
      path: "/v2/droplets/:droplet",
      async handle({ params }) {
        const droplet = required(params.droplet!);
        if (isBusy(droplet)) throw refuse(422, pendingEvent);
        remove(store, droplet);
        await effect(store, "droplet", "delete", droplet.name);
        return { status: 204 };
      },
    },
    ...dropletActionRoutes(store),
  ];
}

const isBusy = ({ status, deleting, errored, acting }: Droplet) =>
  (status === "new" && !errored) || deleting || acting === true;

function select(store: Store, request: ServiceRequest): Droplet[] {
  const tag = request.query.get("tag_name");
  const name = request.query.get("name");
  const type = request.query.get("type");
  if (tag !== null && name !== null) throw refuse(400, "name and tag_name cannot be combined.");
  if (type !== null && type !== "droplets" && type !== "gpus")
    throw refuse(400, "type must be droplets or gpus.");
  return [...store.droplets.values()].filter(
    (droplet) =>
      type !== "gpus" &&
      (tag === null || droplet.tags.has(tag)) &&
      (name === null || droplet.name.toLowerCase() === name.toLowerCase()),
  );
}

type DropletStart = Omit<ReturnType<typeof readDropletRequest>, "names" | "batch"> & {
  readonly name: string;
};

function start(store: Store, request: DropletStart): { droplet: Droplet; action: Action } {
  const { name, region, size, image, keys, vpc, features, userData } = request;
  const droplet: Droplet = {
    ...{ id: store.nextId(), name, region, size, image, keys, vpc, features },
    ...(userData === undefined ? {} : { userData }),
    tags: new Set(request.tags),
    createdAt: store.timestamp(),
    status: "new",
    deleting: false,
  };
  const action: Action = {
    ...{ id: store.nextId(), dropletId: droplet.id, type: "create", region },
    startedAt: droplet.createdAt,
    status: "in-progress",
  };
  store.droplets.set(droplet.id, droplet);
  for (const volume of request.volumes) volume.dropletId = droplet.id;
  store.actions.set(action.id, action);
  const mishap = store.mishaps.shift();
  store.world.clock.after(store.world.timing.buildMs, () => {
    if (mishap) abandon(store, droplet, action, mishap);
    else activate(store, droplet, action);
  });
  return { droplet, action };
}

function abandon(store: Store, droplet: Droplet, action: Action, how: "vanishes" | "stays"): void {
  action.status = "errored";
  action.completedAt = store.timestamp();
  droplet.errored = true;
  if (how === "stays") return;
  store.droplets.delete(droplet.id);
  detachVolumes(store, droplet);
}

function detachVolumes(store: Store, droplet: Droplet): void {
  for (const volume of store.volumes.values()) if (volume.dropletId === droplet.id) delete volume.dropletId;
}

function activate(store: Store, droplet: Droplet, action: Action): void {
  droplet.status = "active";
  droplet.publicAddress = store.nextPublicAddress();
  droplet.privateAddress = store.nextPrivateAddress(droplet.vpc);
  if (droplet.features.includes("ipv6")) droplet.publicAddressV6 = `2001:db8:d0::${droplet.id.toString(16)}`;
  action.status = "completed";
  action.completedAt = store.timestamp();
  store.world.machines.boot({
    id: String(droplet.id),
    hostname: droplet.name,
    image: droplet.image.slug.replace(/-x64$/, ""),
    sshKeys: droplet.keys.map((key) => key.publicKey),
    publicAddress: droplet.publicAddress,
    ...(droplet.userData === undefined ? {} : { userData: droplet.userData }),
    ...(store.lan === undefined ? {} : { lan: store.lan, privateAddress: droplet.privateAddress }),
  });
}

function remove(store: Store, droplet: Droplet): void {
  droplet.deleting = true;
  store.world.clock.after(store.world.timing.deleteMs, () => {
    store.droplets.delete(droplet.id);
    for (const reserved of store.reservedIps.values()) {
      // It stays in the account, on nothing.
      if (reserved.dropletId === droplet.id) delete reserved.dropletId;
    }
    detachVolumes(store, droplet);
    store.world.machines.destroy(String(droplet.id));
  });
}

/** A droplet as the API shows it. */
export function dropletBody(store: Store, droplet: Droplet) {
  return {
    id: droplet.id,
    name: droplet.name,
    memory: droplet.size.memory,
    vcpus: droplet.size.vcpus,
    disk: droplet.size.disk,
    disk_info: [{ type: "local", size: { amount: droplet.size.disk, unit: "gib" } }],
    // Only for locks by an administrator since 2020, not for running actions (digitalocean/droplet_kit#218).
    locked: false,
    status: droplet.status,
    created_at: droplet.createdAt,
    features: droplet.features,
    backup_ids: [],
    next_backup_window: null,
    snapshot_ids: [],
    image: imageBody(store, droplet.image),
    volume_ids: [...store.volumes.values()].flatMap(({ id, dropletId }) =>
      dropletId === droplet.id ? [id] : [],
    ),
    size: sizeBody(store, droplet.size),
    size_slug: droplet.size.slug,
    networks: networksBody(store, droplet),
    region: regionBody(store, droplet.region),
    tags: [...droplet.tags],
    vpc_uuid: droplet.vpc.id,
  };
}

function networksBody(store: Store, droplet: Droplet) {
  if (droplet.publicAddress === undefined) return { v4: [], v6: [] };
  const reserved = [...store.reservedIps.values()].filter((address) => address.dropletId === droplet.id);
  const publicEntry = (ip_address: string) => ({
    ip_address,
    netmask: "255.255.240.0",
    gateway: ip_address.replace(/\.\d+$/, ".1"),
    type: "public",
  });
  return {
    v4: [
      // A reserved address comes with an anchor, and both come first: callers must not take the first entry.
      ...reserved.flatMap(({ ip }) => [
        publicEntry(ip),
        { ip_address: "10.19.0.5", netmask: "255.255.0.0", gateway: "10.19.0.1", type: "private" },
      ]),
      { ip_address: droplet.privateAddress, netmask: "255.255.240.0", gateway: "", type: "private" },
      publicEntry(droplet.publicAddress),
    ],
    v6: droplet.publicAddressV6
      ? [{ ip_address: droplet.publicAddressV6, netmask: 64, gateway: "2001:db8:d0::1", type: "public" }]
      : [],
  };
}
