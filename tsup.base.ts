import type { Options } from "tsup";

/** One build for every package: ESM for Node 20, declarations are made by `tsc -b` (much faster). */
export function build(options: Options = {}): Options {
  return {
    entry: ["src/index.ts"],
    format: ["esm"],
    target: "node20",
    platform: "node",
    sourcemap: true,
    clean: false,
    dts: false,
    splitting: true,
    treeshake: true,
    ...options,
  };
}
