import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");

test.each(["my-overlay", "my-dns"])("the guide shows %s and its test that pass", async (name) => {
  const guide = await read("../../../../docs/guides/write-your-own-engine-or-overlay.md");
  const example = await read(`./${name}.ts`);
  expect(guide).toContain(example.trimEnd());
  const suite = await read(`./${name}.test.ts`);
  expect(guide).toContain(suite.replace(/^\/\/ .*\n/m, "").trimEnd());
});
