// `npm run test:dns`, inside with-servers.sh. Last line: `N passed, N failed`.
import { runVitest } from "../../../scripts/vitest.mjs";

const config = "packages/dns-rfc2136/servers/vitest.config.ts";
process.exit(await runVitest(["run", "--config", config, ...process.argv.slice(2)]));
