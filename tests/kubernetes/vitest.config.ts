import { defineConfig } from "vitest/config";

/** Tests on a real Kubernetes API: `npm run test:kubernetes`. Kept apart from `npm test`, which builds nothing. */
export default defineConfig({
  resolve: { conditions: ["multicloud-source"] },
  ssr: { resolve: { conditions: ["multicloud-source"] } },
  test: {
    include: ["tests/kubernetes/**/*.test.ts"],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    // One API server for all, and each file with namespaces of its own.
    fileParallelism: false,
    pool: "forks",
  },
});
