import { describe, expect, it } from "vitest";
import { ask, start, type Thing } from "../../test/bare-openstack.js";

describe("Glance and Cinder", () => {
  it("give a link to an empty page, and refuse a foreign project and another service's microversion", async () => {
    const { token, url } = await start();
    const page = (await ask("GET", `${url("image")}/v2/images?limit=1`, { token })).body;
    expect(page.next).toMatch(/^\/v2\/images\?limit=1&marker=/);
    expect((await ask("GET", `${url("image")}${page.next}`, { token })).body.images).toEqual([]);
    const volumes = `${url("volumev3")}/types`;
    const headers = { "openstack-api-version": "compute 2.93" };
    expect((await ask("GET", volumes, { token, headers })).status).toBe(400);
    expect((await ask("GET", volumes.replace(/v3\/[^/]+/, "v3/other"), { token })).status).toBe(400);
    expect((await ask("GET", volumes, { token })).status).toBe(200);
  });

  it("refuse a volume over the quota with 413, and the deletion of one in use with 400", async () => {
    const { token, url, nova, server, image, cloud } = await start({ quotas: { volumes: 1 } });
    const device = {
      boot_index: 0,
      uuid: image.id,
      source_type: "image",
      destination_type: "volume",
      volume_size: 5,
    };
    await nova("POST", "/servers", server({ block_device_mapping_v2: [device] }));
    const volumes = `${url("volumev3")}/volumes`;
    const over = await ask("POST", volumes, { token, body: { volume: { size: 1 } } });
    expect(over.status).toBe(413);
    expect(over.body.overLimit).toEqual({
      code: 413,
      message: "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'.",
      retryAfter: "0",
    });
    const id = cloud.list().volumes[0]!.id;
    expect((await ask("DELETE", `${volumes}/${id}`, { token })).status).toBe(400);
  });

  it("name and describe a volume anew, and find it by exactly its name", async () => {
    const { token, url } = await start();
    const volumes = `${url("volumev3")}/volumes`;
    const body = { volume: { size: 1, name: "a" } };
    const { id } = (await ask("POST", volumes, { token, body })).body.volume as Thing;
    await ask("POST", volumes, { token, body: { volume: { size: 1, name: "ab" } } });
    const change = { volume: { name: "b", description: "of b" } };
    expect((await ask("PUT", `${volumes}/${id}`, { token, body: change })).status).toBe(200);
    expect((await ask("PUT", `${volumes}/${id}`, { token, body: { volume: { size: 2 } } })).status).toBe(400);
    const named = async (name: string) =>
      (await ask("GET", `${volumes}/detail?name=${name}`, { token })).body.volumes as Thing[];
    expect(await named("a")).toEqual([]);
    expect(await named("b")).toEqual([expect.objectContaining({ id, name: "b", description: "of b" })]);
  });
});
