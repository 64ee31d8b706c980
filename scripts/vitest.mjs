// Runs vitest and closes with the plain line that CI reads.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { root } from "./install.mjs";

/** A line for each test that failed, and for each file that did not load: what CI repeats at its end. */
function failuresOf(testResults) {
  const lines = [];
  for (const { name, message, status, assertionResults } of testResults) {
    const failed = assertionResults.filter((test) => test.status === "failed");
    for (const { fullName, failureMessages } of failed) lines.push([name, fullName, failureMessages[0]]);
    if (status === "failed" && failed.length === 0) lines.push([name, "the file", message]);
  }
  return lines.map(([file, test, message = ""]) => {
    const [first] = message.split("\n");
    return `FAILED ${relative(root, file)} > ${test}: ${first}\n`;
  });
}

/** Resolves with the exit code. */
export function runVitest(args) {
  const folder = mkdtempSync(join(tmpdir(), "multicloud-test-"));
  const report = join(folder, "report.json");
  const command = ["vitest", ...args, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  return new Promise((resolve) => {
    const child = spawn("npx", command, { cwd: root, stdio: "inherit" });
    child.on("exit", (code) => {
      let line = "0 passed, 1 failed";
      let status = code ?? 1;
      try {
        const { numPassedTests, numFailedTests, numPendingTests, success, testResults } = JSON.parse(
          readFileSync(report, "utf8"),
        );
        const failures = failuresOf(testResults);
        if (failures.length > 0) process.stdout.write(`\n${failures.join("")}`);
        // A file that does not even load fails no test, but the run.
        const failed = !success && numFailedTests === 0 ? 1 : numFailedTests;
        line = `${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ""}`;
        if (numPassedTests === 0) status = status || 1;
      } catch {
        status = status || 1;
      }
      rmSync(folder, { recursive: true, force: true });
      process.stdout.write(`\n${line}\n`);
      resolve(status);
    });
  });
}
