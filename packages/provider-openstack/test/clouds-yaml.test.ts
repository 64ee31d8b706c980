import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
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

  it("says how certificates are judged, and warns when they are not", async () => {
    await put("current/clouds.yaml", `${entry("x")}    verify: false\n    cacert: /ca.pem\n`);
    const { tls, warnings } = await readSettings({ cloud: "home", ...search() });
    expect(tls).toEqual({ cacert: "/ca.pem", verify: false });
    expect(warnings).toEqual([expect.stringContaining("verify: false")]);
    const env = { OS_AUTH_URL: "https://c:5000", OS_CACERT: "/ca.pem", OS_USERNAME: "u", OS_PASSWORD: "p" };
    expect((await readSettings({ env })).tls).toEqual({ cacert: "/ca.pem", verify: true });
  });
});
