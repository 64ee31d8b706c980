import { expect } from "vitest";

/** What a plugin said in one case, to look for secrets in it. */
export interface Notes {
  /** Notes a report, a problem, a command, or another text that must not have a secret. */
  add(said: unknown): void;
  /** Notes an error with its causes, and gives it back. */
  error(error: unknown): unknown;
  /** The error of a call that has to fail. */
  errorOf(work: Promise<unknown>): Promise<unknown>;
  /** Forgets how a call ended; its error is still looked at for secrets. */
  settled(work: Promise<unknown>): Promise<void>;
  /** Everything that was said, as text. */
  said(): string;
}

/** Nothing said yet. */
export function openNotes(): Notes {
  const said: unknown[] = [];
  const note = (error: unknown) => {
    for (let each: unknown = error; each instanceof Error; each = each.cause) {
      said.push(each.message, each.stack, each);
    }
    return error;
  };
  return {
    add: (one) => void said.push(one),
    error: note,
    async errorOf(work) {
      let error: unknown;
      try {
        await work;
      } catch (thrown) {
        error = note(thrown);
      }
      expect(error, "this call has to reject").toBeDefined();
      return error;
    },
    settled: (work) => work.then(() => {}, note).then(() => {}),
    said: () => said.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join("\n"),
  };
}
