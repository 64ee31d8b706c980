import type { DnsEntrypoint } from "@multicloud/core/plugin";
import { bundleProgram } from "../../testing/test/bundle-program.js";
import { type Rfc2136Options, rfc2136 } from "../src/index.js";
import config from "../tsup.config.js";

let program: Promise<string> | undefined;

/** The plugin whose in-cluster half is bundled from the sources, at its first use. */
export function bundledPlugin(options: Rfc2136Options): DnsEntrypoint {
  const plugin = rfc2136(options);
  const bundle = () => {
    program ??= bundleProgram(new URL("..", import.meta.url), config);
    return program;
  };
  return { ...plugin, inCluster: { ...plugin.inCluster!, program: bundle } };
}
