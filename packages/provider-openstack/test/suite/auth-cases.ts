import { expect, it } from "vitest";
import { createOpenStackClient } from "../../src/client/index.js";
import { openstack } from "../../src/index.js";
import { createContext } from "../sandbox.js";
import { type Bench, failure } from "./bench.js";
import { watchFetch } from "./watch.js";

/** Logging in, and staying logged in. */
export function authCases(bench: Bench): void {
  const { options, until } = bench;

  it("lets in with an application credential and with a password, to the same project", async () => {
    const call = createContext();
    for (const entry of ["home", "home-password"] as const) {
      const client = createOpenStackClient(options(entry));
      expect((await client.authorize(call)).projectId).toBe(bench.home.projectId);
      expect(await client.nova.listServers(call)).toEqual([]);
    }
    const { auth } = await createOpenStackClient(options("home-password")).settings();
    const credential = (await createOpenStackClient(options("home")).settings()).auth;
    const { password: _, projectName: __, ...user } = auth;
    const byName = createOpenStackClient({
      auth: {
        ...user,
        applicationCredentialName: "sdk",
        applicationCredentialSecret: credential.applicationCredentialSecret!,
      },
      region: "RegionOne",
    });
    expect((await byName.authorize(call)).projectId).toBe(bench.home.projectId);
    const wrong = createOpenStackClient({
      auth: {
        ...auth,
        password: "not-alices-password",
      },
    });
    const error = await failure(wrong.authorize(call));
    expect(error).toMatchObject({ code: "AUTH_FAILED", service: "keystone", status: 401 });
    expect(error.requestId).toMatch(/^req-/);
    expect(`${error.message} ${error.hint}`).not.toContain("not-alices-password");
  });

  it("goes on after the token was taken away, with one login for all services", async () => {
    const call = createContext();
    const watched = watchFetch();
    const client = createOpenStackClient(options("home-password", { fetch: watched.fetch }));
    const everything = () =>
      Promise.all([
        client.nova.listServers(call),
        client.nova.limits(call),
        client.neutron.listNetworks(call),
        client.glance.listImages(call),
        client.cinder.listVolumeTypes(call),
      ]);
    const before = await everything();
    const { token } = await client.authorize(call);
    await bench.home.revoke(token);
    // Services remember for some seconds that a token was good.
    await until(
      () => bench.home.call("compute", "GET", "/servers", { token }),
      ({ status }) => status === 401,
    );
    watched.lap();
    expect(await everything()).toEqual(before);
    const logins = watched.calls.filter(({ path }) => path.endsWith("/auth/tokens"));
    expect(logins).toHaveLength(2);
    expect(watched.calls.filter(({ status }) => status === 401).length).toBeGreaterThan(0);
  });

  it("lets in with a token, for as long as that is good", async () => {
    const call = createContext();
    const login = createOpenStackClient(options("home-password"));
    const { token } = await login.authorize(call);
    const { auth } = await login.settings();
    const byToken = {
      region: "RegionOne",
      network: "homenet",
      auth: {
        authUrl: auth.authUrl,
        token,
        projectName: auth.projectName!,
        projectDomainName: "Default",
      },
    };
    const client = createOpenStackClient(byToken);
    expect((await client.authorize(call)).projectId).toBe(bench.home.projectId);
    expect(await client.nova.listServers(call)).toEqual([]);
    expect(await openstack(byToken).check(call, { machines: [], toCreate: [] })).toEqual({
      problems: [],
      warnings: [],
    });

    await bench.home.revoke(token);
    const error = await failure(createOpenStackClient(byToken).authorize(call));
    // Keystone looks for the token that it shall change into another, and finds none.
    expect(error).toMatchObject({ code: "AUTH_FAILED", service: "keystone", status: 404 });
    expect(error.message).toMatch(/(validate|find) token/);
    expect(error.hint).toContain("the auth option");
    expect(JSON.stringify(error)).not.toContain(token);
  });
}
