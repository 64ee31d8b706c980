// `npm run test:haproxy`, inside with-gateways.sh. Last line: `N passed, N failed`.
import { runVitest } from "../../../scripts/vitest.mjs";

const config = "packages/gateway-haproxy/hosts/vitest.config.ts";
process.exit(await runVitest(["run", "--config", config, ...process.argv.slice(2)]));
