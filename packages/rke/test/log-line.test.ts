import fc from "fast-check";
import { expect, test } from "vitest";
import { droppedHost, failedJob, hostsIn, parseLogLine } from "../src/log-line.js";

test("reads logrus lines", () => {
  expect(parseLogLine('time="2026-01-02T03:04:05Z" level=warning msg="said \\"no\\" to [10.0.0.1]"')).toEqual(
    {
      level: "warn",
      message: 'said "no" to [10.0.0.1]',
    },
  );
  expect(parseLogLine("time=x level=fatal msg=over")).toEqual({ level: "error", message: "over" });
  expect(parseLogLine("plain text")).toEqual({ level: "info", message: "plain text" });
  // Go escapes what JSON cannot read.
  expect(parseLogLine('level=info msg="bell \\a and \\"quote\\""').message).toBe('bell \\a and "quote"');
});

test("knows the warnings with which RKE goes on without a host", () => {
  const drops = [
    "Removing host [203.0.113.7] from node lists",
    "Failed to set up SSH tunneling for host [203.0.113.7]: Can't retrieve Docker Info: error",
  ];
  for (const message of drops) expect(droppedHost({ level: "warn", message })).toBe("203.0.113.7");
  expect(
    droppedHost({ level: "info", message: "[hosts] Removing host [1.2.3.4] from the cluster" }),
  ).toBeUndefined();
});

test("never throws, whatever the line", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary-ascii" }),
        fc.string().map((text) => `level=info msg="${text}`),
      ),
      (line) => {
        const parsed = parseLogLine(line);
        droppedHost(parsed);
        return hostsIn(parsed.message).every((host) => !host.includes("]"));
      },
    ),
  );
});

test("gives back any message that logrus wrote", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.constantFrom("info", "debug"), (message, level) => {
      const line = `time="2026-01-02T03:04:05Z" level=${level} msg=${JSON.stringify(message)}`;
      expect(parseLogLine(line)).toEqual({ level, message });
    }),
  );
});

test("knows the stage that a line belongs to, and takes no host for one", () => {
  const stageOf = (message: string) => parseLogLine(`level=info msg=${JSON.stringify(message)}`).stage;
  expect(stageOf("[etcd] Building up etcd plane..")).toBe("etcd");
  expect(stageOf("[remove/kube-apiserver] Successfully removed container")).toBe("remove/kube-apiserver");
  for (const message of ["Building Kubernetes cluster", "[203.0.113.7] x", "see [etcd] there", "[etcd]"])
    expect(stageOf(message), message).toBeUndefined();
});

test("knows the warnings with which RKE goes on without an addon", () => {
  const failed = (level: "info" | "warn", message: string) => failedJob({ level, message });
  expect(failed("warn", "Failed to deploy addon execute job [rke-user-includes-addons]: timeout")).toBe(true);
  expect(failed("warn", "Failed to deploy DNS addon execute job for provider coredns: x")).toBe(true);
  expect(failed("info", "[addons] Executing deploy job rke-coredns-addon")).toBe(false);
});
