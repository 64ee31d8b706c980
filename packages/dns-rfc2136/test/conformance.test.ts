import { describeEntrypoint } from "@multicloud/testing/conformance";
import { openEntrypointHarness } from "./entrypoint-harness.js";

describeEntrypoint({ name: "rfc2136", create: openEntrypointHarness });
