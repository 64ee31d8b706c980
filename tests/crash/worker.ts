// Tries crash points, one at a time, in sandboxes of its own process.
import { crashAt, undisturbed } from "./crash.js";
import type { Task, TaskResult } from "./worker-messages.js";

process.on("message", async (task: Task) => {
  const result: TaskResult =
    task.type === "reference"
      ? { type: "reference", reference: await undisturbed(task.child) }
      : { type: "outcome", outcome: await crashAt(task.point, task.reference, task.child) };
  process.send?.(result);
});
