import { describe, expect, it } from "vitest";
import { ask, type Json, passwordBody, start } from "../../test/bare-openstack.js";

describe("Nova", () => {
  it("answers 406 to a microversion that it does not have", async () => {
    const { nova } = await start();
    const answer = await nova("GET", "/servers", undefined, "2.999");
    expect([answer.status, answer.body]).toEqual([
      406,
      {
        computeFault: {
          code: 406,
          message: "Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.93.",
        },
      },
    ]);
  });

  it("takes `name` for a regular expression and ignores a filter by metadata", async () => {
    const { nova, server } = await start();
    for (const name of ["same", "same", "other"]) {
      await nova("POST", "/servers", server({ name, metadata: { owner: name } }));
    }
    const count = async (query: string) =>
      (await nova("GET", `/servers/detail?${query}`)).body.servers.length;
    expect(await count("name=%5Esam")).toBe(2);
    expect(await count("name=e")).toBe(3);
    expect(await count(`metadata=${encodeURIComponent('{"owner":"other"}')}`)).toBe(3);
  });

  it("runs an action once its state allows it, and refuses unknown ones", async () => {
    const { nova, server } = await start();
    const made = (await nova("POST", "/servers", server({ name: "one" }))).body.server as unknown as Json;
    const act = async (body: Json) => {
      const { status, body: answer } = await nova("POST", `/servers/${String(made.id)}/action`, body);
      return [status, (Object.values(answer ?? {})[0] as { message?: string } | undefined)?.message];
    };
    const shown = async () =>
      (await nova("GET", `/servers/${String(made.id)}`)).body.server as unknown as { status: string };
    await expect.poll(async () => (await shown()).status).toBe("ACTIVE");
    expect(await act({ freeze: null })).toEqual([400, "There is no such action: freeze"]);
    expect(await act({ pause: null, unpause: null })).toEqual([400, "Malformed request body"]);
    expect((await act({ pause: {} }))[0]).toBe(400);
    expect(await act({ unpause: null })).toEqual([
      409,
      `Cannot 'unpause' instance ${String(made.id)} while it is in vm_state active`,
    ]);
    expect((await act({ pause: null }))[0]).toBe(202);
    await expect.poll(async () => (await shown()).status).toBe("PAUSED");
  });

  it("links pages, also from an exactly full one, and refuses an unknown marker", async () => {
    const { nova, server } = await start({ pageSize: 2 });
    for (const name of ["a", "b", "c"]) await nova("POST", "/servers", server({ name }));
    const first = (await nova("GET", "/servers?limit=50")).body;
    expect(first.servers.map((one) => one.name)).toEqual(["c", "b"]);
    expect(first.servers_links[0]!.href).toContain(`limit=2&marker=${first.servers[1]!.id}`);
    const last = (await nova("GET", `/servers?marker=${first.servers[1]!.id}`)).body;
    expect(last.servers).toHaveLength(1);
    expect(last).not.toHaveProperty("servers_links");
    const unknown = await nova("GET", "/servers?marker=nosuch");
    expect(unknown.body).toEqual({ badRequest: { code: 400, message: "marker [nosuch] not found" } });
  });

  it("passes servers through BUILD, and through deleting to 404", async () => {
    const { nova, server, world } = await start();
    const { id } = (await nova("POST", "/servers", server())).body.server;
    for (let status = ""; status !== "ACTIVE"; ) {
      const shown = (await nova("GET", `/servers/${id}`)).body.server;
      if (shown.status === "BUILD") expect(shown.addresses).toEqual({});
      status = shown.status;
    }
    expect((await nova("DELETE", `/servers/${id}`)).status).toBe(204);
    for (let status = 200; status !== 404; ) status = (await nova("GET", `/servers/${id}`)).status;
    const gone = await nova("DELETE", `/servers/${id}`);
    expect(gone.body).toEqual({ itemNotFound: { code: 404, message: `Instance ${id} could not be found.` } });
    expect(world.effects.all.map((effect) => `${effect.service} ${effect.action} ${effect.kind}`)).toEqual([
      "home/nova create server",
      "home/nova delete server",
    ]);
  });

  it("begins a page after a server that is gone, and refuses a marker that never was", async () => {
    const { nova, server, cloud } = await start({ pageSize: 2 });
    for (const name of ["a", "b", "c", "d"]) await nova("POST", "/servers", server({ name }));
    const first = (await nova("GET", "/servers")).body;
    cloud.removeServer(first.servers[1]!.id);
    const second = await nova("GET", `/servers?marker=${first.servers[1]!.id}`);
    expect(second.body.servers.map(({ name }) => name)).toEqual(["b", "a"]);
    expect((await nova("GET", "/servers?marker=nosuch")).status).toBe(400);
  });

  it("has quotas by project", async () => {
    const { nova, server } = await start({ projectQuotas: { homelab: { instances: 1 } } });
    expect((await nova("POST", "/servers", server())).status).toBe(202);
    expect((await nova("POST", "/servers", server())).status).toBe(403);
  });

  it("hides the projects from each other", async () => {
    const { cloud, nova, server } = await start({
      users: [
        { name: "alice", password: "right-password", project: "homelab" },
        { name: "eve", password: "eves-password", project: "elsewhere" },
      ],
    });
    await nova("POST", "/servers", server());
    const body = passwordBody("eves-password");
    const auth = body.auth as { identity: { password: { user: Json } }; scope: { project: Json } };
    auth.identity.password.user.name = "eve";
    auth.scope.project.name = "elsewhere";
    const login = await ask("POST", `${cloud.authUrl}/auth/tokens`, { body });
    const token = login.headers.get("x-subject-token")!;
    const compute = login.body.token.catalog[1]!.endpoints[0]!.url;
    expect((await ask("GET", `${compute}/servers`, { token })).body.servers).toEqual([]);
    const id = cloud.list().servers[0]!.id;
    expect((await ask("DELETE", `${compute}/servers/${id}`, { token })).status).toBe(404);
  });
});
