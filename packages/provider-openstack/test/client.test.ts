import { inspect } from "node:util";
import { MulticloudError } from "@multicloud/core/plugin";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createOpenStackClient, type OpenStackClient, type ServerCreate } from "../src/client/index.js";
import { openstack } from "../src/index.js";
import { alice, createContext, createTestWorld, request, shared, startCloud } from "./sandbox.js";

async function serverBody(client: OpenStackClient, more: Partial<ServerCreate> = {}): Promise<ServerCreate> {
  const call = createContext();
  const [[flavor], [image], [network]] = await Promise.all([
    client.nova.listFlavors(call),
    client.glance.listImages(call),
    client.neutron.listNetworks(call),
  ]);
  return {
    name: "a",
    flavorRef: flavor!.id,
    imageRef: image!.id,
    networks: [{ uuid: network!.id }],
    metadata: {},
    ...more,
  };
}

async function failure(promise: Promise<unknown>): Promise<MulticloudError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(MulticloudError.isInstance(error)).toBe(true);
  return error as MulticloudError;
}

describe("logging in", () => {
  it.each(["home", "home-password"])("works with the kind of credentials of %s", async (name) => {
    const cloud = await startCloud(createTestWorld());
    const client = createOpenStackClient({ cloud: name, cloudsFile: cloud.cloudsFile });
    expect(await client.nova.listServers(createContext())).toEqual([]);
    expect(cloud.calls.keystone).toHaveLength(1);
  });

  it("works with a token that exists already, and finds services behind odd addresses", async () => {
    const cloud = await startCloud(createTestWorld(), { catalog: "odd" });
    const first = createOpenStackClient({ cloud: "home-password", cloudsFile: cloud.cloudsFile });
    const call = createContext();
    const { token } = await first.authorize(call);
    const client = createOpenStackClient({ auth: { authUrl: cloud.authUrl, token, projectName: "homelab" } });
    expect(await client.glance.listImages(call)).toHaveLength(1);
    expect(await client.neutron.listNetworks(call)).toHaveLength(1);
    expect(await client.cinder.listVolumeTypes(call)).toHaveLength(2);
    expect(await client.nova.limits(call)).toMatchObject({ maxTotalInstances: 10 });
  });

  it("happens once for callers that come together, also when the token was refused meanwhile", async () => {
    const cloud = await startCloud(createTestWorld());
    const client = createOpenStackClient({ cloud: "home", cloudsFile: cloud.cloudsFile });
    const all = () =>
      Promise.all([
        ...Array.from({ length: 20 }, () => client.nova.listServers(createContext())),
        client.neutron.listNetworks(createContext()),
        client.glance.listImages(createContext()),
        client.cinder.listVolumeTypes(createContext()),
      ]);
    await all();
    expect(cloud.calls.keystone).toHaveLength(1);
    cloud.expireTokens();
    await all();
    expect(cloud.calls.keystone).toHaveLength(2);
  });

  it("with a token that is over says so, and with an address that is not Keystone's too", async () => {
    const cloud = await startCloud(createTestWorld());
    const call = createContext();
    const login = createOpenStackClient({ cloud: "home-password", cloudsFile: cloud.cloudsFile });
    const { token } = await login.authorize(call);
    const byToken = createOpenStackClient({
      auth: { authUrl: cloud.authUrl, token, projectName: "homelab" },
    });
    await byToken.nova.listServers(call);
    cloud.expireTokens();
    const over = await failure(byToken.nova.listServers(call));
    expect(over).toMatchObject({ code: "AUTH_FAILED", service: "keystone", status: 404 });
    expect(over.hint).toContain("cannot be renewed by itself");
    expect(JSON.stringify(over)).not.toContain(token);
    const wrongUrl = createOpenStackClient({
      auth: {
        authUrl: `${cloud.authUrl.replace("/v3", "")}/elsewhere/v3`,
        username: "alice",
        password: alice.password,
        projectName: "homelab",
      },
    });
    expect(await failure(wrongUrl.authorize(call))).toMatchObject({
      code: "CONFIG_INVALID",
      hint: expect.stringContaining("auth_url"),
    });
  });

  it("happens again a minute before the token expires, not earlier", async () => {
    const cloud = await startCloud(createTestWorld(), { tokenLifeMs: 3_600_000 });
    const client = createOpenStackClient({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await client.nova.listServers(createContext());
    const start = performance.now();
    const clock = vi.spyOn(performance, "now");
    onTestFinished(() => clock.mockRestore());
    clock.mockReturnValue(start + 3_530_000);
    await client.nova.listServers(createContext());
    expect(cloud.calls.keystone).toHaveLength(1);
    clock.mockReturnValue(start + 3_541_000);
    await client.nova.listServers(createContext());
    expect(cloud.calls.keystone).toHaveLength(2);
    expect(cloud.calls.nova.every((call) => call.status === 200)).toBe(true);
  });

  it("is not repeated for one who hears late that the old token was refused", async () => {
    const cloud = await startCloud(createTestWorld());
    let release = () => {};
    const renewed = new Promise<void>((resolve) => {
      release = resolve;
    });
    const client = createOpenStackClient({
      cloud: "home",
      cloudsFile: cloud.cloudsFile,
      async fetch(input, init) {
        const response = await fetch(input, init);
        if (response.status === 401 && String(input).includes("/images")) await renewed;
        return response;
      },
    });
    await client.nova.listServers(createContext());
    cloud.expireTokens();
    const late = client.glance.listImages(createContext());
    await client.nova.listServers(createContext());
    release();
    expect(await late).toHaveLength(1);
    expect(cloud.calls.keystone).toHaveLength(2);
  });

  it("goes on for the others when the one who began it aborts", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const client = createOpenStackClient({ cloud: "home", cloudsFile: cloud.cloudsFile });
    const controller = new AbortController();
    const first = client.nova.listServers(createContext({ signal: controller.signal }));
    const second = client.nova.listServers(createContext());
    controller.abort(new Error("not me"));
    await expect(first).rejects.toThrow("not me");
    expect(await second).toEqual([]);
  });

  it("is refused once, not in a loop", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const client = createOpenStackClient({ cloud: "home", cloudsFile: cloud.cloudsFile });
    world.faults.add({ service: "home/glance", status: 401, times: 9 });
    const error = await failure(client.glance.listImages(createContext()));
    expect(error).toMatchObject({ code: "AUTH_FAILED", service: "glance", status: 401, site: "home" });
    expect(error.hint).toContain(`cloud "home" in ${cloud.cloudsFile}`);
    expect(cloud.calls.glance).toHaveLength(2);
  });
});

describe("errors", () => {
  it("carry code, service, status and request id, for each service's own body", async () => {
    const cloud = await startCloud(createTestWorld(), {
      quotas: { instances: 0, securityGroups: 1, keyPairs: 0 },
    });
    const client = createOpenStackClient({ cloud: "home", cloudsFile: cloud.cloudsFile });
    const call = createContext();
    const server = await serverBody(client);

    expect(await failure(client.nova.createServer(call, server))).toMatchObject({
      code: "QUOTA_EXCEEDED",
      service: "nova",
      status: 403,
      requestId: expect.stringMatching(/^req-/),
      hint: expect.stringContaining("quota"),
      message: expect.stringContaining("Quota exceeded for instances: Requested 1, but already used 0 of 0"),
    });
    expect(
      await failure(client.neutron.createSecurityGroup(call, { name: "a", description: "" })),
    ).toMatchObject({
      code: "QUOTA_EXCEEDED",
      service: "neutron",
      status: 409,
      requestId: expect.stringMatching(/^req-/),
    });
    const full = await startCloud(createTestWorld(), { quotas: { ports: 0 } });
    const crowded = createOpenStackClient({ cloud: "home", cloudsFile: full.cloudsFile });
    expect(await failure(crowded.nova.createServer(call, await serverBody(crowded)))).toMatchObject({
      code: "QUOTA_EXCEEDED",
      status: 403,
      message: expect.stringContaining("Maximum number of ports exceeded"),
    });
    expect(await failure(client.nova.createServer(call, { ...server, key_name: "nosuch" }))).toMatchObject({
      code: "REQUEST_REFUSED",
      status: 400,
      message: "nova answered 400 to POST /v2.1/servers: Invalid key_name provided.",
    });
  });

  it("read Cinder's quota and Glance's web pages", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const client = createOpenStackClient({ cloud: "home", cloudsFile: cloud.cloudsFile, backoffMs: 1 });
    const call = createContext();
    const body = { overLimit: { code: 413, message: "VolumeLimitExceeded: …", retryAfter: "0" } };
    world.faults.add({ service: "home/cinder", status: 413, body, headers: { "retry-after": "0" } });
    expect(await failure(client.cinder.limits(call))).toMatchObject({ code: "QUOTA_EXCEEDED", status: 413 });
    world.faults.add({ service: "home/glance", status: 400 });
    expect((await failure(client.glance.listImages(call))).message).toBe(
      "glance answered 400 to GET /v2/images: 400 Error injected fault",
    );
  });

  it("never show a secret, a token or the user data", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const call = createContext();
    const userData = "one-time-host-key-of-the-machine".repeat(3000);
    for (const [name, credential] of [
      ["home", alice.applicationCredential.secret],
      ["home-password", alice.password],
    ] as const) {
      const errors: MulticloudError[] = [];
      const client = createOpenStackClient({ cloud: name, cloudsFile: cloud.cloudsFile, backoffMs: 1 });
      const { token } = await client.authorize(call);
      const secrets = [credential, token];
      const body = { badRequest: { code: 400, message: `you sent ${secrets.join(" and ")}` } };
      world.faults.add({ service: "home/nova", path: /detail$/, status: 400, body });
      errors.push(await failure(client.nova.listServers(call)));
      world.faults.add({ service: "home/keystone", status: 401, body });
      cloud.expireTokens();
      errors.push(await failure(client.nova.listServers(call)));
      const server = await serverBody(client, { user_data: Buffer.from(userData).toString("base64") });
      const tooLong = await failure(client.nova.createServer(call, server));
      expect(tooLong.message).toContain("invalid field user_data: is too long");
      errors.push(tooLong);
      world.faults.add({ service: "home/nova", path: /limits$/, reset: "before", times: 9 });
      errors.push(await failure(client.nova.limits(call)));
      world.faults.clear();
      const shown = errors.map((error) => `${JSON.stringify(error)} ${inspect(error, { depth: 9 })}`).join();
      for (const secret of secrets) expect(shown).not.toContain(secret);
      expect(shown).not.toContain(Buffer.from(userData).toString("base64").slice(0, 60));
      expect(JSON.stringify(call.reports)).not.toContain(token);
      expect(errors).toHaveLength(4);
    }
  });

  it("of an unknown region, interface or service say what there is", async () => {
    const cloud = await startCloud(createTestWorld());
    const auth = {
      authUrl: cloud.authUrl,
      username: "alice",
      password: alice.password,
      projectName: "homelab",
    };
    const client = createOpenStackClient({ auth, region: "RegionTwo" });
    expect(await failure(client.nova.limits(createContext()))).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining('did you mean "RegionOne"?'),
    });
    const incomplete = createOpenStackClient({ auth: { authUrl: cloud.authUrl, password: "a-password" } });
    expect((await failure(incomplete.nova.limits(createContext()))).message).toContain("lack username");
  });
});

describe("a list", () => {
  it("that links to itself is given up", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const client = createOpenStackClient({ cloud: "home", cloudsFile: cloud.cloudsFile });
    const body = {
      servers: [{ id: "a" }],
      servers_links: [{ rel: "next", href: "http://inner:8774/v2.1/servers/detail?marker=a" }],
    };
    world.faults.add({ service: "home/nova", path: /detail$/, status: 200, body, times: 5 });
    expect(await failure(client.nova.listServers(createContext()))).toMatchObject({ code: "SERVICE_ANSWER" });
  });

  it("of every service is followed over its pages", async () => {
    const cloud = await startCloud(createTestWorld(), {
      pageSize: 1,
      catalog: "odd",
      images: [{ name: "a" }, { name: "b" }, { name: "c" }],
      networks: [
        { name: "one", kind: "lan", cidr: "10.1.0.0/24" },
        { name: "two", kind: "lan", cidr: "10.2.0.0/24" },
      ],
    });
    const client = createOpenStackClient({ cloud: "home", cloudsFile: cloud.cloudsFile });
    const call = createContext();
    expect((await client.glance.listImages(call)).map((image) => image.name)).toEqual(["a", "b", "c"]);
    expect(await client.neutron.listNetworks(call)).toHaveLength(2);
    expect(await client.cinder.listVolumeTypes(call)).toHaveLength(2);
    expect(await client.nova.listFlavors(call)).toHaveLength(3);
  });
});

it("user data of the stated size is taken, and one byte more is not", async () => {
  const world = createTestWorld();
  const cloud = await startCloud(world);
  const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
  const context = createContext();
  await provider.ensureShared(context, shared);
  const most = new Uint8Array(provider.userData.maxBytes);
  await provider.create(context, [request("multicloud-home-worker-1", { userData: most })]);
  const more = new Uint8Array(provider.userData.maxBytes + 1);
  await expect(
    provider.create(context, [request("multicloud-home-worker-2", { userData: more })]),
  ).rejects.toMatchObject({ code: "REQUEST_REFUSED", node: "multicloud-home-worker-2" });
});
