import { defineConfig } from "tsup";
import { build } from "../../tsup.base.js";

export default defineConfig([
  build(),
  // The in-cluster half travels in a ConfigMap: one file that imports nothing but Node's own.
  build({
    entry: ["src/in-cluster.ts"],
    noExternal: ["dns-packet", "@leichtgewicht/ip-codec", /^@multicloud\/core/],
    splitting: false,
    sourcemap: false,
    minify: true,
    // dns-packet asks for Node's own modules by `require`, which a module does not have by itself.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    esbuildOptions(options) {
      options.conditions = ["multicloud-source"];
    },
  }),
]);
