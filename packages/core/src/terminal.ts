/**
 * Progress and results on a terminal, for scripts that want to show a run without writing a renderer.
 *
 * @module
 */

export { type ProgressOptions, type ProgressOutput, showProgress } from "./terminal/progress.js";
export { formatDrill, formatGateways, formatNodes, formatTimings } from "./terminal/result.js";
export { formatTable } from "./terminal/table.js";
