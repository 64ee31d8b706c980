import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { authRequest } from "../src/client/auth.js";
import { readSettings } from "../src/client/settings.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "multicloud-clouds-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

async function put(path: string, text: string): Promise<string> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

const entry = (password: string) => `clouds:
  home:
    auth: { auth_url: "http://127.0.0.1:5000", username: alice, password: "${password}", project_name: p, user_domain_name: Default }
    region_name: R1
`;

const search = (env: Record<string, string> = {}) => ({
  env,
  currentFolder: join(folder, "current"),
  homeFolder: join(folder, "homefolder"),
});

describe("clouds.yaml", () => {
  it("is looked for in the usual order", async () => {
    await put("homefolder/.config/openstack/clouds.yaml", entry("from-home"));
    const read = async (env?: Record<string, string>) =>
      (await readSettings({ cloud: "home", ...search(env) })).auth.password;
    expect(await read()).toBe("from-home");
    await put("current/clouds.yaml", entry("from-current"));
    expect(await read()).toBe("from-current");
    const file = await put("elsewhere.yaml", entry("from-variable"));
    expect(await read({ OS_CLIENT_CONFIG_FILE: file })).toBe("from-variable");
    expect(
      (await readSettings({ cloud: "home", cloudsFile: file, env: { OS_CLIENT_CONFIG_FILE: "nowhere" } }))
        .source,
    ).toBe(`cloud "home" in ${file}`);
  });

  it("is merged with secure.yaml", async () => {
    await put("current/clouds.yaml", entry("").replace('password: "", ', ""));
    await put("current/secure.yaml", "clouds:\n  home:\n    auth:\n      password: 123456\n");
    const { auth, region } = await readSettings({ cloud: "home", ...search() });
    expect(auth).toMatchObject({ username: "alice", password: "123456", projectName: "p" });
    expect(region).toBe("R1");
  });

  it("is not needed when the OS_ variables say it all, and chosen by OS_CLOUD", async () => {
    const settings = await readSettings(
      search({
        OS_AUTH_URL: "http://127.0.0.1:5000/v3",
        OS_APPLICATION_CREDENTIAL_ID: "id",
        OS_APPLICATION_CREDENTIAL_SECRET: "secret",
        OS_REGION_NAME: "R2",
        OS_USERNAME: "",
      }),
    );
    expect(settings).toMatchObject({
      auth: { applicationCredentialId: "id", applicationCredentialSecret: "secret" },
      region: "R2",
      source: "the OS_* variables",
    });
    await put("current/clouds.yaml", entry("x"));
    expect((await readSettings(search({ OS_CLOUD: "home" }))).region).toBe("R1");
  });

  it("that is missing, damaged or without the cloud is told with what to do, and never quoted", async () => {
    await expect(readSettings({ cloud: "home", ...search() })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      hint: expect.stringContaining(join(folder, "current", "clouds.yaml")),
    });
    await expect(readSettings(search())).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await put("current/clouds.yaml", entry("x"));
    await expect(readSettings({ cloud: "hone", ...search() })).rejects.toThrow('did you mean "home"?');
    await put("current/clouds.yaml", 'clouds:\n  home:\n    password: "half-a-secret\n  : [');
    const error = await readSettings({ cloud: "home", ...search() }).catch((reason: Error) => reason);
    expect(String(error)).toContain("not valid YAML at line");
    expect(JSON.stringify(error)).not.toContain("half-a-secret");
  });

  it("takes the secrets of OS_CLIENT_SECURE_FILE before those beside it", async () => {
    await put("current/clouds.yaml", entry("").replace('password: "", ', ""));
    await put("current/secure.yaml", "clouds: { home: { auth: { password: beside } } }");
    const file = await put("safe/secure.yaml", "clouds: { home: { auth: { password: elsewhere } } }");
    const read = async (env?: Record<string, string>) =>
      (await readSettings({ cloud: "home", ...search(env) })).auth.password;
    expect(await read()).toBe("beside");
    expect(await read({ OS_CLIENT_SECURE_FILE: file })).toBe("elsewhere");
    // The secrets lie beside the file that was found, wherever that is.
    const other = await put("other/clouds.yaml", entry("").replace('password: "", ', ""));
    await put("other/secure.yaml", "clouds: { home: { auth: { password: there } } }");
    expect(await read({ OS_CLIENT_CONFIG_FILE: other })).toBe("there");
  });

  it("takes from a vendor's profile what it does not say itself, and names one that is not known", async () => {
    const auth = "auth: { username: alice, password: x, project_name: p }";
    await put("current/clouds.yaml", `clouds: { home: { profile: acme, region_name: R9, ${auth} } }`);
    const read = () => readSettings({ cloud: "home", ...search() });
    await expect(read()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining('the profile "acme"'),
      hint: expect.stringContaining("clouds-public.yaml"),
    });
    await put(
      "current/clouds-public.yaml",
      'public-clouds: { acme: { auth: { auth_url: "https://acme.example:5000/v3" }, interface: internal, region_name: R1 } }',
    );
    expect(await read()).toMatchObject({
      auth: { authUrl: "https://acme.example:5000/v3", username: "alice" },
      interface: "internal",
      region: "R9",
    });
    await put("current/clouds.yaml", `clouds: { home: { profile: acne, ${auth} } }`);
    await expect(read()).rejects.toThrow('did you mean "acme"?');
    // One that says all by itself needs no profile.
    await put("current/clouds.yaml", `${entry("x")}    profile: acne\n`);
    expect((await read()).auth.authUrl).toBe("http://127.0.0.1:5000");
  });

  it("follows auth_type where several secrets are there, and names one that is not known", async () => {
    const read = () => readSettings({ cloud: "home", ...search() });
    await put(
      "current/clouds.yaml",
      `${entry("x").replace("username", "token: t, username")}    auth_type: v3token\n`,
    );
    expect((await read()).auth).toMatchObject({ token: "t" });
    expect((await read()).auth).not.toHaveProperty("password");
    await put("current/clouds.yaml", `${entry("x")}    auth_type: v3pasword\n`);
    await expect(read()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining('did you mean "v3password"?'),
    });
  });

  it("knows user and project by name or id, with their domains", async () => {
    const read = async (auth: string, more = "") => {
      await put(
        "current/clouds.yaml",
        `clouds: { home: { auth: { auth_url: "http://k", ${auth} }${more} } }`,
      );
      const settings = await readSettings({ cloud: "home", ...search() });
      return authRequest(settings.auth, settings.source);
    };
    const request = (user: object, project: object) => ({
      auth: {
        identity: { methods: ["password"], password: { user: { ...user, password: "p" } } },
        scope: { project },
      },
    });
    expect(await read("user_id: u1, password: p, project_id: p1")).toEqual(
      request({ id: "u1" }, { id: "p1" }),
    );
    expect(
      await read("username: u, password: p, project_name: q, user_domain_name: D, project_domain_id: e"),
    ).toEqual(request({ name: "u", domain: { name: "D" } }, { name: "q", domain: { id: "e" } }));
    expect(await read("username: u, password: p, tenant_name: q", ", default_domain: d1")).toEqual(
      request({ name: "u", domain: { id: "d1" } }, { name: "q", domain: { id: "d1" } }),
    );
    expect(await read("username: u, password: p, project_name: q")).toEqual(
      request({ name: "u", domain: { id: "default" } }, { name: "q", domain: { id: "default" } }),
    );
  });

  it("says how certificates are judged, and warns when they are not", async () => {
    await put("current/clouds.yaml", `${entry("x")}    verify: false\n    cacert: /ca.pem\n`);
    const { tls, warnings } = await readSettings({ cloud: "home", ...search() });
    expect(tls).toEqual({ cacert: "/ca.pem", verify: false });
    expect(warnings).toEqual([expect.stringContaining("verify: false")]);
    const env = { OS_AUTH_URL: "https://c:5000", OS_CACERT: "/ca.pem", OS_USERNAME: "u", OS_PASSWORD: "p" };
    expect((await readSettings({ env })).tls).toEqual({ cacert: "/ca.pem", verify: true });
  });
});
