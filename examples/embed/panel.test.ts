import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Lab, openLab } from "../../tests/stories/lab.js";
import { panel } from "./panel.js";

const shape = { ramnode: [1, 1] } as const;
let lab: Lab;
let server: Server;
let url: string;

beforeEach(async () => {
  lab = await openLab();
  server = panel(lab.cluster(shape)).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await lab.close();
});

const post = (path: string, method = "POST") => fetch(`${url}${path}`, { method });

/** All events of the run until it has ended. */
async function follow(): Promise<{ event: string; data: Record<string, unknown> }[]> {
  const text = await (await fetch(`${url}/events`)).text();
  return text
    .trim()
    .split("\n\n")
    .map((block) => {
      const [event = "", data = ""] = block.split("\n");
      return { event: event.slice("event: ".length), data: JSON.parse(data.slice("data: ".length)) };
    });
}

test("a run is started, followed by two at once, and gives its result", async () => {
  expect((await post("/runs/up")).status).toBe(202);
  expect((await post("/runs/destroy")).status).toBe(409);
  const [one, two] = await Promise.all([follow(), follow()]);
  expect(one).toEqual(two);
  expect(one[0]).toMatchObject({ event: "run-start", data: { verb: "up" } });
  expect(one.at(-1)).toMatchObject({
    event: "outcome",
    data: { ok: true, result: { plan: { counts: { create: 2 } } } },
  });
});

test("a run that is stopped says so, and the next one goes on", async () => {
  await post("/runs/up");
  expect((await post("/run", "DELETE")).status).toBe(202);
  const events = await follow();
  expect(events.at(-1)).toMatchObject({ event: "outcome", data: { ok: false, error: { code: "ABORTED" } } });
  await post("/runs/up");
  expect((await follow()).at(-1)).toMatchObject({ data: { ok: true } });
  expect((await post("/nonsense")).status).toBe(404);
});
