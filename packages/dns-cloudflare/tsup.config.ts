import { defineConfig } from "tsup";
import { build } from "../../tsup.base.js";

// Installed, the client is 119 MB; what is used of it fits into one small chunk of ours.
export default defineConfig(
  build({
    noExternal: ["cloudflare"],
    minify: true,
    esbuildOptions(options) {
      options.sourcesContent = false;
    },
  }),
);
