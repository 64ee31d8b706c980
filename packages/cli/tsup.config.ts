import { defineConfig } from "tsup";
import { build } from "../../tsup.base.js";

export default defineConfig(build({ entry: ["src/index.ts", "src/main.ts"] }));
