// `npm run test:kubernetes`, inside with-kubernetes.sh. Last line: `N passed, N failed[, N skipped]`.
import { runVitest } from "../../scripts/vitest.mjs";

process.exit(
  await runVitest(["run", "--config", "tests/kubernetes/vitest.config.ts", ...process.argv.slice(2)]),
);
