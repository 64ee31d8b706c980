import { type ErrorCode, MulticloudError } from "@multicloud/core/plugin";
import { expect } from "vitest";

/** Expects one of the SDK's errors, with one of these codes and the service that it is about. */
export function expectTold(error: unknown, call: string, codes: readonly ErrorCode[]): void {
  if (!MulticloudError.isInstance(error)) {
    expect.fail(`${call} has to reject with a MulticloudError, not with ${String(error)}`);
  }
  expect(codes, `${call}: code`).toContain(error.code);
  expect(error.service, `${call}: service`).toBeTruthy();
}
