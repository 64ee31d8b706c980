import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { readHead, renderConfig } from "../src/render.js";
import { anyInput } from "../test/any-input.js";

const folder = mkdtempSync(join(tmpdir(), "multicloud-haproxy-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("HAProxy takes every configuration that is rendered, without a warning", () => {
  const file = join(folder, "haproxy.cfg");
  fc.assert(
    fc.property(anyInput, (input) => {
      const { text } = renderConfig(input);
      expect(readHead(text)?.intact).toBe(true);
      writeFileSync(file, text);
      const said = execFileSync("haproxy", ["-c", "-f", file], { encoding: "utf8", stdio: "pipe" });
      expect(said).not.toMatch(/WARNING|ALERT/);
    }),
    { numRuns: 60 },
  );
});
