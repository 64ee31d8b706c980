import { describe, expect, it } from "vitest";
import { ask, type Json, passwordBody, start } from "../../test/bare-openstack.js";

const unauthorized = "The request you have made requires authentication.";

describe("Keystone", () => {
  it("takes a token back", async () => {
    const { cloud, nova, token } = await start();
    const revoke = () =>
      ask("DELETE", `${cloud.authUrl}/auth/tokens`, { token, headers: { "x-subject-token": token } });
    expect((await revoke()).status).toBe(204);
    expect((await nova("GET", "/servers")).status).toBe(401);
    expect((await revoke()).status).toBe(401);
  });

  it("refuses a wrong password, an unknown project and an unknown field", async () => {
    const { cloud } = await start();
    const tokens = `${cloud.authUrl}/auth/tokens`;
    const wrong = await ask("POST", tokens, { body: passwordBody("wrong-password") });
    expect([wrong.status, wrong.body]).toEqual([
      401,
      { error: { code: 401, message: unauthorized, title: "Unauthorized" } },
    ]);
    const elsewhere = passwordBody("right-password");
    (elsewhere.auth as Json).scope = { project: { name: "other", domain: { id: "default" } } };
    expect((await ask("POST", tokens, { body: elsewhere })).status).toBe(401);
    expect((await ask("POST", tokens, { body: { auth: {}, more: 1 } })).status).toBe(400);
  });

  it("makes tokens that end: services answer 401, Glance with a web page", async () => {
    const { cloud, token, url } = await start();
    cloud.expireTokens();
    const compute = await ask("GET", `${url("compute")}/servers`, { token });
    expect([compute.status, compute.body]).toEqual([
      401,
      { error: { code: 401, title: "Unauthorized", message: unauthorized } },
    ]);
    expect(compute.headers.get("www-authenticate")).toMatch(/^Keystone uri=/);
    const image = await ask("GET", `${url("image")}/v2/images`, { token });
    expect(image.status).toBe(401);
    expect(image.headers.get("content-type")).toContain("text/html");
    expect(image.text).toContain("<title>401 Unauthorized</title>");
  });
});
