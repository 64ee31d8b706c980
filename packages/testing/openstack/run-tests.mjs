// `npm run test:openstack`, inside with-openstack.sh. Last line: `N passed, N failed[, N skipped]`.
import { runVitest } from "../../../scripts/vitest.mjs";

process.exit(
  await runVitest([
    "run",
    "--config",
    "packages/testing/openstack/vitest.config.ts",
    ...process.argv.slice(2),
  ]),
);
