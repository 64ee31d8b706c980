import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const source = new URL("../src/", import.meta.url);

it("loads ssh2 and socks only when they are used", () => {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  expect(files.length).toBeGreaterThan(20);
  for (const name of files) {
    const text = readFileSync(new URL(name, source), "utf8");
    // `import { type X }` would be kept as an import for its side effects.
    expect(text, name).not.toMatch(/^import (?!type\b)[^;]*?from "(ssh2|socks)"/m);
    expect(text, name).not.toMatch(/^export (?!type\b)[^;]*?from "(ssh2|socks)"/m);
  }
});
