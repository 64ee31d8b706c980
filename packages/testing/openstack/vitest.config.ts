import { defineConfig } from "vitest/config";

/** Tests on a real OpenStack: `npm run test:openstack`. Kept apart from `npm test`, which needs no root. */
export default defineConfig({
  resolve: { conditions: ["multicloud-source"] },
  ssr: { resolve: { conditions: ["multicloud-source"] } },
  test: {
    include: ["packages/testing/openstack/**/*.test.ts"],
    // These end what hangs, on a machine that is ten times slower, too: sixty machines take three minutes on two cores.
    testTimeout: 1_800_000,
    hookTimeout: 900_000,
    fileParallelism: false,
    pool: "forks",
  },
});
