import type { CallContext, Report } from "@multicloud/core/plugin";

/** A call context of a cluster that keeps the reports. */
export function callOf(cluster: string, signal: AbortSignal = new AbortController().signal) {
  const reports: Report[] = [];
  const context: CallContext = {
    cluster,
    signal,
    dialer: () => Promise.reject(new Error("no dialling here")),
    report: (report) => void reports.push(report),
  };
  return { context, reports };
}
