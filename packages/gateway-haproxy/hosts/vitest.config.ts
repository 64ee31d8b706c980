import { defineConfig } from "vitest/config";

/** Tests on the real HAProxy: `npm run test:haproxy`. Kept apart from `npm test`, which needs no root. */
export default defineConfig({
  resolve: { conditions: ["multicloud-source"] },
  ssr: { resolve: { conditions: ["multicloud-source"] } },
  test: {
    include: ["packages/gateway-haproxy/hosts/**/*.test.ts"],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    pool: "forks",
  },
});
