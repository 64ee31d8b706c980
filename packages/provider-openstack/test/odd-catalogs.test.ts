import { readFile, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { createOpenStackClient } from "../src/client/index.js";
import { createContext, createTestWorld, startCloud } from "./sandbox.js";

/** Changes what the catalog of an emulated cloud says of its services, and takes requests to where those are. */
function oddFetch(
  origins: Map<string, string>,
  write: (type: string, origin: string, project: string) => string,
) {
  const asked: string[] = [];
  const send: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input));
    if (url.pathname.endsWith("/auth/tokens")) {
      const answer = await fetch(url, init);
      const body = (await answer.json()) as {
        token: { project: { id: string }; catalog: { type: string; endpoints: { url: string }[] }[] };
      };
      for (const { type, endpoints } of body.token.catalog) {
        const [first] = endpoints;
        origins.set(`${type}.example`, new URL(first!.url).origin);
        for (const endpoint of endpoints)
          endpoint.url = write(type, `http://${type}.example`, body.token.project.id);
      }
      return Response.json(body, {
        status: answer.status,
        headers: { "x-subject-token": answer.headers.get("x-subject-token")! },
      });
    }
    asked.push(`${url.origin}${url.pathname}`);
    // The emulator's own paths have no prefix, and Nova's no project.
    const path = url.pathname
      .replace(/^\/(region-1\/)?(compute|network|image|volumev3)(?=\/v)/, "")
      .replace(/^(\/v2\.1)\/[0-9a-f]{32}/, "$1");
    return fetch(`${origins.get(url.host)}${path}${url.search}`, init);
  };
  return { send, asked };
}

const version: Readonly<Record<string, string>> = {
  compute: "v2.1",
  network: "v2.0",
  image: "v2",
  volumev3: "v3",
};

it.each([
  ["without a version", (type: string, origin: string) => `${origin}/${type}`],
  ["with a slash at the end", (type: string, origin: string) => `${origin}/${type}/`],
  ["with their version", (type: string, origin: string) => `${origin}/${type}/${version[type]}`],
  ["with their version and a slash", (type: string, origin: string) => `${origin}/${type}/${version[type]}/`],
  ["below a longer prefix", (type: string, origin: string) => `${origin}/region-1/${type}/${version[type]}`],
  ["at the root", (_: string, origin: string) => origin],
  [
    "with the old version of Nova and the project",
    (type: string, origin: string, project: string) =>
      type === "compute" ? `${origin}/compute/v2/${project}` : `${origin}/${version[type]}`,
  ],
] as const)("services are found whose catalog has them %s", async (_name, write) => {
  const cloud = await startCloud(createTestWorld());
  const { send, asked } = oddFetch(new Map(), write);
  const client = createOpenStackClient({ cloud: "home", cloudsFile: cloud.cloudsFile, fetch: send });
  const call = createContext();
  expect(await client.nova.microversion(call)).toBe("2.67");
  expect(await client.nova.limits(call)).toMatchObject({ maxTotalInstances: 10 });
  expect(await client.neutron.listNetworks(call)).toHaveLength(1);
  expect(await client.glance.listImages(call)).toHaveLength(1);
  expect(await client.cinder.listVolumeTypes(call)).toHaveLength(2);
  const paths = asked.map((url) => new URL(url).pathname);
  expect(paths.filter((path) => path.includes("//") || path.match(/\/v\d/g)?.length !== 1)).toEqual([]);
});

it("uses the address that the cloud's entry gives instead of the catalog's", async () => {
  const cloud = await startCloud(createTestWorld());
  const { send, asked } = oddFetch(new Map(), (type, origin) => `${origin}/${type}`);
  const file = cloud.cloudsFile;
  const clouds = parse(await readFile(file, "utf8"));
  clouds.clouds.home.network_endpoint_override = "http://network.example/region-1/network";
  await writeFile(file, stringify(clouds));
  const client = createOpenStackClient({ cloud: "home", cloudsFile: file, fetch: send });
  expect(await client.neutron.listNetworks(createContext())).toHaveLength(1);
  expect(asked).toEqual(["http://network.example/region-1/network/v2.0/networks"]);
});
