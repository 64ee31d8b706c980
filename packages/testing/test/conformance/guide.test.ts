import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");

test("the guide shows the overlay and its test that pass", async () => {
  const guide = await read("../../../../docs/guides/write-your-own-engine-or-overlay.md");
  const example = await read("./my-overlay.ts");
  expect(guide).toContain(example.trimEnd());
  const suite = await read("./my-overlay.test.ts");
  expect(guide).toContain(suite.replace(/^\/\/ .*\n/m, "").trimEnd());
});
