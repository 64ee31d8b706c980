import type { CrashPoint, Outcome, Reference } from "./crash.js";

/** What a worker is told to do. `child` is the path of the program that is killed. */
export type Task =
  | { readonly type: "reference"; readonly child: string }
  | {
      readonly type: "point";
      readonly child: string;
      readonly point: CrashPoint;
      readonly reference: Reference;
    };

/** What it answers. */
export type TaskResult =
  | { readonly type: "reference"; readonly reference: Reference }
  | { readonly type: "outcome"; readonly outcome: Outcome };
