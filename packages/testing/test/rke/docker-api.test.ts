import { request } from "node:http";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { KubernetesClusters } from "../../src/rke/clusters.js";
import { createDockerApi } from "../../src/rke/docker/api.js";
import { daemonOf } from "../../src/rke/docker/daemon.js";
import { imagesOf } from "../../src/rke/images.js";
import { createWorld, type RunningWorld } from "../../src/world/create-world.js";
import { createStreamPair } from "../../src/world/network-stream.js";

const image = imagesOf("v1.30.5-rancher1-1")?.tools ?? "";
let world: RunningWorld;
let call: (
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ status: number; body: Record<string, unknown> }>;

beforeEach(() => {
  world = createWorld();
  const machine = world.machines.boot({
    id: "m",
    hostname: "m",
    image: "debian-12",
    sshKeys: [],
    publicAddress: "203.0.113.1",
  });
  const server = createDockerApi(daemonOf(machine, world, {} as KubernetesClusters), world, "20.10.24");
  call = (method, path, body) =>
    new Promise((resolve, reject) => {
      const [near, far] = createStreamPair();
      server.emit("connection", far);
      const options = { method, path: `/v1.24${path}`, createConnection: () => near as Duplex as never };
      const outgoing = request(options, async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        const isJson = text.startsWith("{");
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : { text } });
      });
      outgoing.on("error", reject);
      outgoing.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
    });
});
afterEach(() => world.close());

const pull = () => call("POST", `/images/create?fromImage=${image.split(":")[0]}&tag=${image.split(":")[1]}`);

test("answers a ping and tells its version", async () => {
  expect(await call("GET", "/_ping")).toEqual({ status: 200, body: { text: "OK" } });
  expect((await call("GET", "/version")).body).toMatchObject({ Version: "20.10.24", ApiVersion: "1.41" });
});

test("refuses images that the registry does not have, and containers of images that were not pulled", async () => {
  expect(await call("POST", "/images/create?fromImage=rancher/nothing&tag=v1")).toMatchObject({
    status: 404,
  });
  expect(await call("POST", "/containers/create?name=a", { Image: image })).toEqual({
    status: 404,
    body: { message: `No such image: ${image}` },
  });
  expect((await pull()).status).toBe(200);
  expect((await call("POST", "/containers/create?name=a", { Image: image })).status).toBe(201);
});

test("refuses what is wrong in a body, with Docker's status", async () => {
  await pull();
  const create = (body: unknown, name = "a") => call("POST", `/containers/create?name=${name}`, body);
  expect((await create({})).status).toBe(400);
  expect((await create("{")).status).toBe(400);
  expect((await create({ Image: image, Cmd: "sleep" })).status).toBe(400);
  expect((await create({ Image: image, HostConfig: { RestartPolicy: { Name: "sometimes" } } })).status).toBe(
    400,
  );
  expect((await create({ Image: image }, "-a")).status).toBe(400);
  await create({ Image: image });
  expect(await create({ Image: image })).toMatchObject({
    status: 409,
    body: { message: expect.stringContaining('The container name "/a" is already in use') },
  });
});

test("starts, stops and removes, each of which is known when repeated", async () => {
  await pull();
  await call("POST", "/containers/create?name=a", { Image: image });
  const statuses: number[] = [];
  for (const action of ["start", "start", "stop", "stop", "start"]) {
    statuses.push((await call("POST", `/containers/a/${action}`)).status);
  }
  expect(statuses).toEqual([204, 304, 204, 304, 204]);
  expect((await call("DELETE", "/containers/a")).status).toBe(409);
  expect((await call("DELETE", "/containers/a?force=1")).status).toBe(204);
  expect((await call("DELETE", "/containers/a?force=1")).status).toBe(404);
  expect((await call("GET", "/containers/a/json")).status).toBe(404);
  expect((await call("GET", "/nothing")).status).toBe(404);
  expect(world.effects.all.map(({ kind, action, name }) => `${kind} ${action} ${name}`)).toEqual([
    "container create m/a",
    "container create m/a",
    "container delete m/a",
  ]);
});
