import { defineConfig } from "vitest/config";

/** Tests on real name servers: `npm run test:dns`. Kept apart from `npm test`, which needs no root. */
export default defineConfig({
  resolve: { conditions: ["multicloud-source"] },
  ssr: { resolve: { conditions: ["multicloud-source"] } },
  test: {
    include: ["packages/dns-rfc2136/servers/**/*.test.ts"],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    pool: "forks",
  },
});
