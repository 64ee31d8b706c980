import { expect, it } from "vitest";
import type { Server } from "./client/index.js";
import { statusOf, toMachine } from "./machines.js";

const server: Server = {
  id: "id",
  name: "a",
  status: "ACTIVE",
  metadata: {},
  addresses: {},
  flavor: { original_name: "g1.small" },
  image: { id: "image-id" },
};

it.each([
  ["BUILD", "creating"],
  ["ACTIVE", "running"],
  ["REBOOT", "running"],
  ["SHUTOFF", "stopped"],
  ["SHELVED_OFFLOADED", "stopped"],
  ["ERROR", "failed"],
])("a server that is %s is %s", (status, expected) => {
  expect(statusOf({ ...server, status })).toBe(expected);
  expect(statusOf({ ...server, status, "OS-EXT-STS:task_state": "deleting" })).toBe("deleting");
});

it("takes a floating address for the public one, and a private-looking one when its network is public", () => {
  const fixed = { addr: "10.0.0.5", version: 4, "OS-EXT-IPS:type": "fixed" } as const;
  const floating = { addr: "100.64.0.9", version: 4, "OS-EXT-IPS:type": "floating" } as const;
  const v6 = { addr: "2001:db8::5", version: 6, "OS-EXT-IPS:type": "fixed" } as const;
  expect(toMachine({ ...server, addresses: { net: [v6, fixed, floating] } })).toMatchObject({
    publicAddress: "100.64.0.9",
    privateAddress: "10.0.0.5",
  });
  expect(toMachine({ ...server, addresses: { net: [fixed] } })).not.toHaveProperty("publicAddress");
  expect(toMachine({ ...server, addresses: { campus: [fixed] } }, "campus")).toMatchObject({
    publicAddress: "10.0.0.5",
  });
  expect(toMachine({ ...server, addresses: { net: [v6] } })).toMatchObject({ publicAddress: "2001:db8::5" });
});

it("keeps its name when its mark is damaged, and gives what the cloud tells of size and image", () => {
  expect(toMachine(server)).toMatchObject({
    name: "a",
    role: "worker",
    spec: "",
    size: "g1.small",
    image: "image-id",
  });
});
