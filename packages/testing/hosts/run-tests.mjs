// `npm run test:hosts`, inside with-hosts.sh. Last line: `N passed, N failed`.
import { runVitest } from "../../../scripts/vitest.mjs";

process.exit(
  await runVitest(["run", "--config", "packages/testing/hosts/vitest.config.ts", ...process.argv.slice(2)]),
);
