import type { Route } from "../world/http-service.js";
import { integer, readBody, text } from "./body.js";
import { notFound, refuse } from "./errors.js";
import { pageOf } from "./paging.js";
import { regionBody } from "./reference-data.js";
import { effect, type ReservedIp, type Store } from "./store.js";

/** Reserved addresses. One on a droplet shows up among the droplet's public addresses too. */
export function reservedIpRoutes(store: Store): readonly Route[] {
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
      async handle({ body }) {
        const given = readBody(body, { droplet_id: integer, region: text() }, []);
        if ((given.droplet_id === undefined) === (given.region === undefined)) {
          throw refuse(422, "either droplet_id or region must be given");
        }
        const droplet =
          given.droplet_id === undefined ? undefined : store.droplets.get(Number(given.droplet_id));
        if (given.droplet_id !== undefined && !droplet) throw refuse(422, "Droplet not found.");
        const region = droplet?.region ?? store.regions.find((known) => known.slug === given.region);
        if (!region) throw refuse(422, "You specified an invalid region.");
        const reserved: ReservedIp = { ip: store.nextPublicAddress(), region };
        if (droplet) reserved.dropletId = droplet.id;
        store.reservedIps.set(reserved.ip, reserved);
        await effect(store, "reserved-ip", "create", reserved.ip);
        return { status: 202, body: { reserved_ip: reservedIpBody(store, reserved), links: {} } };
      },
    },
    {
      method: "DELETE",
      path: "/v2/reserved_ips/:ip",
      async handle({ params }) {
        if (!store.reservedIps.delete(params.ip!)) throw notFound();
        await effect(store, "reserved-ip", "delete", params.ip!);
        return { status: 204 };
      },
    },
  ];
}

function reservedIpBody(store: Store, reserved: ReservedIp) {
  return {
    ip: reserved.ip,
    region: regionBody(store, reserved.region),
    droplet: null,
    locked: false,
    project_id: "746c6152-2fa2-11ed-92d3-27aaa54e4988",
  };
}
