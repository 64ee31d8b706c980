import { defineConfig } from "tsup";
import { build } from "../../tsup.base.js";

// Installed, the client is 119 MB; what is used of it fits into one small chunk of ours.
const small = build({
  noExternal: ["cloudflare"],
  minify: true,
  esbuildOptions(options) {
    options.sourcesContent = false;
  },
});

export default defineConfig([
  small,
  // The in-cluster half travels in a ConfigMap: one file that imports nothing but Node's own.
  {
    ...small,
    entry: ["src/in-cluster.ts"],
    noExternal: [/^@multicloud\/core/],
    splitting: false,
    sourcemap: false,
    esbuildOptions(options) {
      options.conditions = ["multicloud-source"];
    },
  },
]);
