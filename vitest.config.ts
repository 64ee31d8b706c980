import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests run on the sources, and a stack trace names the line that is wrong. Only the programs that travel into the
  // cluster have to be bundled, which `npm test` does.
  resolve: { conditions: ["multicloud-source"] },
  ssr: { resolve: { conditions: ["multicloud-source"] } },
  test: {
    // These end what hangs, on a machine that is ten times slower, too; nothing is measured by them.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000 } },
    pool: "forks",
    // Many tests wait for sockets: with no more workers than cores, the cores would be idle half of the time.
    maxWorkers: availableParallelism() + 1,
    // Loading the packages anew for each file would take longer than many a test. So no file may mock a module, which
    // the linter sees to, and what it changes of the process it puts back.
    isolate: false,
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
        test: { name: "stories", include: ["tests/stories/**/*.test.ts"] },
      },
    ],
  },
});
