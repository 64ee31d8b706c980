// `npm test`: the suites that need nothing but Node and npm, from a fresh clone. Last line: `N passed, N failed`.
import { installDependencies } from "./install.mjs";
import { runVitest } from "./vitest.mjs";

installDependencies();
process.exit(await runVitest(["run", ...process.argv.slice(2)]));
