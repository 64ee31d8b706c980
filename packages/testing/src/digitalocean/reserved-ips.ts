import type { Route } from "../world/http-service.js";
import { integer, readBody, text } from "./body.js";
import { notFound, refuse } from "./errors.js";
import { pageOf } from "./paging.js";
import { actionBody, regionBody } from "./reference-data.js";
import { type Action, type Droplet, effect, type ReservedIp, type Store } from "./store.js";

const assignMs = 2_000;
const projectId = "746c6152-2fa2-11ed-92d3-27aaa54e4988";

/**
 * Reserved addresses. Putting one on a droplet and taking it off are actions that lock it for a moment; the
 * droplet shows it among its public addresses once that is done.
 */
export function reservedIpRoutes(store: Store): readonly Route[] {
  const required = (ip: string) => {
    const found = store.reservedIps.get(ip);
    if (!found) throw notFound();
    return found;
  };

  function dropletFor(id: unknown): Droplet {
    const droplet = store.droplets.get(Number(id));
    if (!droplet) throw refuse(422, "The droplet you specified does not exist.");
    if (droplet.status === "new" || droplet.deleting)
      throw refuse(422, "Droplet already has a pending event.");
    if ([...store.reservedIps.values()].some(({ dropletId, target }) => (dropletId ?? target) === droplet.id))
      throw refuse(422, "The droplet already has a reserved IP address.");
    return droplet;
  }

  function act(reserved: ReservedIp, type: "assign_ip" | "unassign_ip", droplet?: Droplet): Action {
    const action: Action = {
      ...{ id: store.nextId(), dropletId: reserved.dropletId ?? droplet?.id ?? 0, type },
      region: reserved.region,
      startedAt: store.timestamp(),
      status: "in-progress",
    };
    store.actions.set(action.id, action);
    reserved.locked = true;
    if (droplet) reserved.target = droplet.id;
    const ms = store.world.clock.scale === 0 ? 0 : assignMs;
    store.world.clock.after(ms, () => {
      reserved.locked = false;
      delete reserved.target;
      const goes = droplet && store.droplets.has(droplet.id);
      if (goes) reserved.dropletId = droplet.id;
      else delete reserved.dropletId;
      action.status = droplet && !goes ? "errored" : "completed";
      action.completedAt = store.timestamp();
    });
    return action;
  }

  return [
    {
      method: "GET",
      path: "/v2/reserved_ips",
      handle: (request) =>
        pageOf(
          request,
          "reserved_ips",
          [...store.reservedIps.values()].map((reserved) => reservedIpBody(store, reserved)),
          store.pageSize,
        ),
    },
    {
      method: "POST",
      path: "/v2/reserved_ips",
      async handle({ body, origin }) {
        const given = readBody(body, { droplet_id: integer, region: text(), project_id: text() }, []);
        if ((given.droplet_id === undefined) === (given.region === undefined)) {
          throw refuse(422, "either droplet_id or region must be given");
        }
        const droplet = given.droplet_id === undefined ? undefined : dropletFor(given.droplet_id);
        const region = droplet?.region ?? store.regions.find((known) => known.slug === given.region);
        if (!region) throw refuse(422, "You specified an invalid region.");
        if (store.reservedIps.size >= store.reservedIpLimit) {
          throw refuse(422, "creating this reserved IP will exceed your reserved IP limit");
        }
        const reserved: ReservedIp = { ip: store.nextPublicAddress(), region, locked: false };
        store.reservedIps.set(reserved.ip, reserved);
        const action = droplet && act(reserved, "assign_ip", droplet);
        await effect(store, "reserved-ip", "create", reserved.ip);
        const links = droplet &&
          action && {
            droplets: [{ id: droplet.id, rel: "droplet", href: `${origin}/v2/droplets/${droplet.id}` }],
            actions: [{ id: action.id, rel: "assign_ip", href: `${origin}/v2/actions/${action.id}` }],
          };
        return { status: 202, body: { reserved_ip: reservedIpBody(store, reserved), links: links ?? {} } };
      },
    },
    {
      method: "GET",
      path: "/v2/reserved_ips/:ip",
      handle: ({ params }) => ({
        status: 200,
        body: { reserved_ip: reservedIpBody(store, required(params.ip!)) },
      }),
    },
    {
      method: "DELETE",
      path: "/v2/reserved_ips/:ip",
      async handle({ params }) {
        const reserved = required(params.ip!);
        if (reserved.locked) throw refuse(422, "The reserved IP address has a pending event.");
        // One that is on a droplet is only taken off by the first request (digitalocean/godo#487).
        if (reserved.dropletId !== undefined) {
          act(reserved, "unassign_ip");
          await effect(store, "reserved-ip", "update", reserved.ip);
          return { status: 204 };
        }
        store.reservedIps.delete(reserved.ip);
        await effect(store, "reserved-ip", "delete", reserved.ip);
        return { status: 204 };
      },
    },
    {
      method: "POST",
      path: "/v2/reserved_ips/:ip/actions",
      async handle({ params, body }) {
        const reserved = required(params.ip!);
        const given = readBody(body, { type: text(), droplet_id: integer }, ["type"]);
        if (given.type !== "assign" && given.type !== "unassign")
          throw refuse(422, "You specified an invalid action type.");
        if (reserved.locked) throw refuse(422, "The reserved IP address has a pending event.");
        if (given.type === "unassign" && reserved.dropletId === undefined)
          throw refuse(422, "The reserved IP address is not assigned to a droplet.");
        const action =
          given.type === "assign"
            ? act(reserved, "assign_ip", dropletFor(given.droplet_id))
            : act(reserved, "unassign_ip");
        await effect(store, "reserved-ip", "update", reserved.ip);
        return { status: 201, body: { action: { ...actionBody(store, action), project_id: projectId } } };
      },
    },
  ];
}

function reservedIpBody(store: Store, reserved: ReservedIp) {
  const droplet = reserved.dropletId === undefined ? undefined : store.droplets.get(reserved.dropletId);
  return {
    ip: reserved.ip,
    region: regionBody(store, reserved.region),
    droplet: droplet ? store.describe(droplet) : null,
    locked: reserved.locked,
    project_id: projectId,
  };
}
