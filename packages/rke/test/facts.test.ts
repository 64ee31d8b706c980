import { expect, test } from "vitest";
import { k3s, rke, rke2 } from "../src/index.js";

test("an engine tells what its clusters have", () => {
  expect(rke().facts).toEqual({ kubernetes: "1.30.5", ingress: ["nginx"] });
  expect(k3s({ version: "v1.35.6+k3s1" }).facts).toEqual({ kubernetes: "1.35.6", ingress: ["traefik"] });
  expect(k3s({ server: { disable: ["traefik", "servicelb"] } }).facts?.ingress).toEqual([]);
  expect(rke2({ server: { disable: ["rke2-ingress-nginx"] } }).facts?.ingress).toEqual([]);
  // Which release that is, check() complains about.
  expect(rke({ version: "latest" }).facts?.kubernetes).toBeUndefined();
  expect(k3s({ version: "latest" }).facts).toEqual({});
  expect(k3s({ server: { disable: null } } as never).facts?.ingress).toEqual(["traefik"]);
  expect(rke({ config: { ingress: null } } as never).facts?.ingress).toEqual(["nginx"]);
});

test.each([
  { provider: "none" as const },
  { network_mode: "none" as const },
  { http_port: 8080, https_port: 8443 },
])("RKE with the ingress %j leaves ports 80 and 443 of the nodes free", (ingress) => {
  expect(rke({ config: { ingress } }).facts?.ingress).toEqual([]);
});
