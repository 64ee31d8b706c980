import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests run on the sources: no build is needed, and a stack trace names the line that is wrong.
  resolve: { conditions: ["multicloud-source"] },
  ssr: { resolve: { conditions: ["multicloud-source"] } },
  test: {
    include: [
      "packages/*/{src,test}/**/*.test.ts",
      "tests/stories/**/*.test.ts",
      "examples/*/**/*.test.ts",
      "scripts/**/*.test.ts",
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
  },
});
