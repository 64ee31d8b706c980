import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests run on the sources: no build is needed, and a stack trace names the line that is wrong.
  resolve: { conditions: ["multicloud-source"] },
  ssr: { resolve: { conditions: ["multicloud-source"] } },
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Many tests wait for sockets: with no more workers than cores, the cores would be idle half of the time.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        extends: true,
        test: {
          name: "packages",
          include: ["packages/*/{src,test}/**/*.test.ts", "examples/*/**/*.test.ts", "scripts/**/*.test.ts"],
        },
      },
      {
        extends: true,
        // Each story has clouds of its own; loading all packages anew for each would take longer than telling it.
        test: { name: "stories", include: ["tests/stories/**/*.test.ts"], isolate: false },
      },
    ],
  },
});
