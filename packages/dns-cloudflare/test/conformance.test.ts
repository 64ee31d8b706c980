import { describeEntrypoint } from "@multicloud/testing/conformance";
import { openEntrypointHarness } from "./entrypoint-harness.js";

describeEntrypoint({ name: "cloudflare", create: openEntrypointHarness });
