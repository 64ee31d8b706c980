import { expect, it } from "vitest";
import type { Server } from "./client/index.js";
import { toMachine } from "./machines.js";
import { statusOf } from "./server-status.js";

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
  expect(toMachine({ ...server, addresses: { campus: [fixed] } }, { publicNetwork: "campus" })).toMatchObject(
    {
      publicAddress: "10.0.0.5",
    },
  );
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

it("says of what failed whether to try again, and what a policy has to do with it", () => {
  const failed = (message: string) => ({ ...server, status: "ERROR", fault: { code: 500, message } });
  expect(toMachine(failed("MessagingTimeout"))).toMatchObject({ status: "failed", retryable: true });
  const nowhere = failed("No valid host was found. ");
  expect(toMachine(nowhere)).toMatchObject({ fault: "No valid host was found.", retryable: false });
  expect(toMachine(nowhere, { antiAffinity: "hard" })).toMatchObject({
    fault: expect.stringContaining('"soft"'),
    retryable: false,
  });
  expect(toMachine(server)).not.toHaveProperty("retryable");
});
