import { defineConfig } from "tsup";
import { build } from "../../tsup.base.js";

export default defineConfig(
  build({ entry: { index: "src/index.ts", "conformance/index": "src/conformance/index.ts" } }),
);
