import { describeEntrypoint } from "@multicloud/testing/conformance";
import { vi } from "vitest";
import { openEntrypointHarness } from "./entrypoint-harness.js";

// Waits are shortened, so that the tests are quick.
vi.mock("@multicloud/core/plugin", async (load) => {
  const real = await load<typeof import("@multicloud/core/plugin")>();
  return { ...real, delay: (ms: number, signal?: AbortSignal) => real.delay(ms / 100, signal) };
});

describeEntrypoint({ name: "cloudflare", create: openEntrypointHarness });
