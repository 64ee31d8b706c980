import type { CommandFamily } from "../host.js";

/** Programs of packages in Debian's own archive. */
export const storageCommands: CommandFamily = {
  iscsiadm: (call) =>
    call.args.includes("--version") || call.args.includes("-V")
      ? { stdout: "iscsiadm version 2.1.8\n" }
      : { code: 21, stderr: "iscsiadm: No active sessions.\n" },
  "cloud-init": async (call) => {
    const [verb = "", ...rest] = call.args;
    if (verb === "--version") return { stdout: "/usr/bin/cloud-init 24.1.3\n" };
    if (verb !== "status")
      return verb === "clean" || verb === "schema" || verb === "query"
        ? {}
        : { code: 2, stderr: `cloud-init: error: invalid choice: '${verb}'\n` };
    if (rest.includes("--wait") || rest.includes("-w")) await call.host.cloudInit.done(call.signal);
    const { code, text, json } = call.host.cloudInit.status();
    const format = rest[rest.indexOf("--format") + 1];
    const wantsJson = rest.includes("--format=json") || (rest.includes("--format") && format === "json");
    if (wantsJson) return { code, stdout: `${JSON.stringify(json, null, 1)}\n` };
    return {
      code,
      stdout:
        rest.includes("--long") || rest.includes("-l")
          ? `status: ${text}\nextended_status: ${json.extended_status}\n`
          : `status: ${text}\n`,
    };
  },
};
