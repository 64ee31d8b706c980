// `npm test`: the suites that need nothing but Node and npm, from a fresh clone. Last line: `N passed, N failed`.
import { bundle, installDependencies, programs } from "./install.mjs";
import { runVitest } from "./vitest.mjs";

installDependencies();
bundle(programs);
process.exit(await runVitest(["run", ...process.argv.slice(2)]));
