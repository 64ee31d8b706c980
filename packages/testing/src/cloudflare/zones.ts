import type { Route } from "../world/http-service.js";
import type { Access } from "./access.js";
import { answer } from "./envelope.js";
import { page } from "./paging.js";
import { identifier, type Store, type Zone } from "./store.js";

/** Zones and the token's own state. */
export function zoneRoutes(store: Store, access: Access): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/client/v4/user/tokens/verify",
      handle(request) {
        const token = access.token(request);
        const status = token.status ?? "active";
        return answer({ id: identifier(`token ${store.tokens.indexOf(token)}`), status });
      },
    },
    {
      method: "GET",
      path: "/client/v4/zones",
      handle(request) {
        const name = request.query.get("name");
        const status = request.query.get("status") ?? "active";
        const found = access
          .zones(request)
          .filter((zone) => status === "active" && (name === null || zone.name === name.toLowerCase()));
        return page(request, found.map(zoneBody), { byDefault: 20, min: 5, max: 50 });
      },
    },
    {
      method: "GET",
      path: "/client/v4/zones/:zone",
      handle: (request) => answer(zoneBody(access.zone(request, "zone:read"))),
    },
  ];
}

function zoneBody(zone: Zone) {
  return {
    id: zone.id,
    name: zone.name,
    status: "active",
    paused: false,
    type: "full",
    development_mode: 0,
    name_servers: ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
    original_name_servers: null,
    original_registrar: null,
    original_dnshost: null,
    created_on: zone.createdOn,
    modified_on: zone.createdOn,
    activated_on: zone.createdOn,
    account: { id: identifier("account"), name: "Sandbox" },
    owner: { id: identifier("user"), type: "user", name: "Sandbox" },
    meta: { step: 2, page_rule_quota: 3, custom_certificate_quota: 0, phishing_detected: false },
    plan: { id: identifier("free"), name: "Free Website", price: 0, currency: "USD", legacy_id: "free" },
    permissions: ["#dns_records:edit", "#dns_records:read", "#zone:read"],
  };
}
