import { defineConfig } from "vitest/config";

/** Tests on a real OpenStack: `npm run test:openstack`. Kept apart from `npm test`, which needs no root. */
export default defineConfig({
  resolve: { conditions: ["multicloud-source"] },
  ssr: { resolve: { conditions: ["multicloud-source"] } },
  test: {
    include: ["packages/testing/openstack/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    pool: "forks",
  },
});
