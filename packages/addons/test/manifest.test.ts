import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { download } from "../src/manifest/download.js";
import { loadManifest, parseManifest } from "../src/manifest/load.js";
import { type AddonFixture, createPki, type Pki, setUp } from "./fixture.js";

let pki: Pki;
let fixture: AddonFixture;
beforeAll(async () => {
  pki = await createPki();
});
beforeEach(async () => {
  fixture = await setUp(pki);
});
afterEach(() => fixture.close());

const yaml = "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n";
const load = (manifest: Parameters<typeof loadManifest>[2]["manifest"]) =>
  loadManifest(fixture.context, "sample", manifest === undefined ? {} : { manifest }, yaml);

test("text, file, URL, or the built-in one", async () => {
  const directory = await mkdtemp(join(tmpdir(), "manifest-"));
  try {
    const file = join(directory, "web.yaml");
    await writeFile(file, yaml);
    for (const source of [undefined, yaml, { file }])
      expect((await load(source)).map(({ metadata }) => metadata.name)).toEqual(["web"]);
  } finally {
    await rm(directory, { recursive: true });
  }
  expect((await load(fixture.releases.certManager)).length).toBeGreaterThan(15);
  // The release asset is behind a redirect.
  expect(fixture.releases.calls.map(({ status }) => status)).toEqual([302, 200]);
});

test("a file that is not there is named", async () => {
  await expect(load({ file: "no/such/file.yaml" })).rejects.toMatchObject({ code: "ADDON_FAILED" });
  await expect(load({ file: "no/such/file.yaml" })).rejects.toThrow("no/such/file.yaml");
});

test("a wrong checksum is refused, and both are named", async () => {
  const wrong = "0".repeat(64);
  const error = await load({ ...fixture.releases.longhorn, sha256: wrong }).catch((reason) => reason);
  expect(error).toMatchObject({ code: "ADDON_FAILED" });
  expect(error.message).toContain(wrong);
  expect(error.message).toContain(fixture.releases.longhorn.sha256);
  expect(fixture.state.size).toBe(0);
});

test("without a checksum the first file is remembered, and another one later is refused", async () => {
  const { url, sha256 } = fixture.releases.longhorn;
  await load({ url });
  const key = "addons/sample/sha256";
  const stored = () => new TextDecoder().decode(fixture.state.get(key));
  expect(stored()).toBe(`${sha256}  ${url}\n`);
  await load({ url });
  await load({ url: fixture.releases.certManager.url });
  expect(stored().trim().split("\n")).toHaveLength(2);

  const changed: typeof fetch = async () => new Response(`${yaml}# changed\n`);
  const error = await download(fixture.context, "sample", { url }, changed).catch((reason) => reason);
  expect(error).toMatchObject({ code: "ADDON_FAILED" });
  expect(error.message).toContain(sha256);
  expect(error.hint).toContain(key);
  expect(stored()).toContain(sha256);
});

test("a download survives a broken connection, and says what was not found", async () => {
  fixture.world.faults.add({ service: "releases", reset: "before" });
  expect((await load(fixture.releases.longhorn)).length).toBeGreaterThan(15);
  const url = `${fixture.releases.url}/nothing.yaml`;
  await expect(load({ url })).rejects.toMatchObject({ code: "NOT_FOUND", status: 404 });
});

test("takes lists apart, leaves empty documents out, refuses what is no manifest", () => {
  const list = `---\n---\napiVersion: v1\nkind: List\nitems:\n- ${yaml.trim().split("\n").join("\n  ")}\n---\n# nothing\n`;
  expect(parseManifest("sample", list).map(({ kind }) => kind)).toEqual(["Namespace"]);
  expect(() => parseManifest("sample", "<html><body>Sign in</body></html>")).toThrow("no apiVersion");
  expect(() => parseManifest("sample", "")).toThrow("there is no object in it");
  expect(() => parseManifest("sample", "a: [")).toThrow("document 1");
});
