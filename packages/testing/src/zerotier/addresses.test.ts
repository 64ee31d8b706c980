import { expect, test } from "vitest";
import { assignAddress } from "./addresses.js";
import { macAddress } from "./names.js";

const pools = [{ ipRangeStart: "10.147.17.10", ipRangeEnd: "10.147.17.250" }];
const routes = [{ target: "10.147.17.0/24" }];

test("a node gets the address that a real controller gave it, the next one when that is taken", () => {
  const nodeId = "0c1a47f380";
  expect(assignAddress({ nodeId, pools, routes, taken: new Set() })).toBe("10.147.17.58");
  expect(assignAddress({ nodeId, pools, routes, taken: new Set(["10.147.17.58"]) })).toBe("10.147.17.59");
});

test("no address is given outside of the routes, from a full pool, or ending in .255", () => {
  const nodeId = "0c1a47f380";
  expect(assignAddress({ nodeId, pools, routes: [], taken: new Set() })).toBeUndefined();
  const one = [{ ipRangeStart: "10.147.17.10", ipRangeEnd: "10.147.17.10" }];
  expect(assignAddress({ nodeId, pools: one, routes, taken: new Set(["10.147.17.10"]) })).toBeUndefined();
  const last = [{ ipRangeStart: "10.147.17.255", ipRangeEnd: "10.147.17.255" }];
  expect(assignAddress({ nodeId, pools: last, routes, taken: new Set() })).toBeUndefined();
});

test("a node's Ethernet address on a network is the real one", () => {
  expect(macAddress("8e64fe49c22054ed", "0c1a47f380")).toBe("ee:58:3a:85:ba:7e");
});
