import type { Route } from "../world/http-service.js";
import { readBody, text } from "./body.js";
import { notFound, refuse } from "./errors.js";
import { pageOf } from "./paging.js";
import { actionBody } from "./reference-data.js";
import { type Action, type Droplet, effect, type Store } from "./store.js";

const actMs = 2_000;

/** Actions that change the power at once, as pulling the plug does; the service has more, which are not emulated. */
const powers: Readonly<Record<string, { readonly to: "active" | "off"; readonly refused: string }>> = {
  power_off: { to: "off", refused: "Droplet is already powered off." },
  power_on: { to: "active", refused: "Droplet is already powered on." },
};

/** A droplet's actions: those that were, and new ones. */
export function dropletActionRoutes(store: Store): readonly Route[] {
  const required = (id: string): Droplet => {
    const found = store.droplets.get(Number(id));
    if (!found) throw notFound();
    return found;
  };
  return [
    {
      method: "GET",
      path: "/v2/droplets/:droplet/actions",
      handle(request) {
        const { id } = required(request.params.droplet!);
        const actions = [...store.actions.values()].filter((action) => action.dropletId === id);
        return pageOf(
          request,
          "actions",
          actions.map((action) => actionBody(store, action)),
          store.pageSize,
        );
      },
    },
    {
      method: "POST",
      path: "/v2/droplets/:droplet/actions",
      async handle({ params, body }) {
        const droplet = required(params.droplet!);
        const { type } = readBody(body, { type: text() }, ["type"]) as { type: string };
        const power = Object.hasOwn(powers, type) ? powers[type] : undefined;
        if (!power) throw refuse(422, "You specified an invalid action type.");
        if (droplet.status === "new" || droplet.deleting || droplet.acting)
          throw refuse(422, "Droplet already has a pending event.");
        if (droplet.status === power.to) throw refuse(422, power.refused);
        const action = start(store, droplet, type, power.to);
        await effect(store, "droplet", "update", `${droplet.name} ${type}`);
        return { status: 201, body: { action: actionBody(store, action) } };
      },
    },
  ];
}

function start(store: Store, droplet: Droplet, type: string, to: "active" | "off"): Action {
  const { clock, machines } = store.world;
  const action: Action = {
    ...{ id: store.nextId(), dropletId: droplet.id, type, region: droplet.region },
    startedAt: store.timestamp(),
    status: "in-progress",
  };
  store.actions.set(action.id, action);
  droplet.acting = true;
  clock.after(clock.scale === 0 ? 0 : actMs, () => {
    delete droplet.acting;
    action.completedAt = store.timestamp();
    action.status = store.droplets.has(droplet.id) && !droplet.deleting ? "completed" : "errored";
    if (action.status === "errored") return;
    droplet.status = to;
    if (to === "off") machines.stop(String(droplet.id));
    else machines.start(String(droplet.id));
  });
  return action;
}
