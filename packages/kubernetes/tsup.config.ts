import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defineConfig } from "tsup";
import { build } from "../../tsup.base.js";

const yaml = dirname(createRequire(import.meta.url).resolve("yaml/package.json"));

export default defineConfig(
  build({
    // The client library is bundled into the chunk that `connect` loads: nobody installs its 58 MB. yaml is
    // bundled because finding its seventy files takes longer than running them; its ESM build can be shaken.
    noExternal: [/^@kubernetes\/client-node/, "openid-client", "rfc4648", "yaml"],
    esbuildOptions(options) {
      options.alias = { yaml: join(yaml, "browser/index.js") };
    },
  }),
);
