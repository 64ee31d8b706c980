import { defineConfig } from "tsup";
import { build } from "../../tsup.base.js";

export default defineConfig([
  build(),
  // The program travels in a ConfigMap (1 MiB at most): one file that imports nothing but Node's own.
  build({
    entry: { agent: "src/agent/main.ts" },
    noExternal: [/^@multicloud\/core/],
    splitting: false,
    sourcemap: false,
    minify: true,
    esbuildOptions(options) {
      options.conditions = ["multicloud-source"];
    },
  }),
]);
