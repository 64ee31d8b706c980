/**
 * The `multicloud` command as a function, for embedding it and for tests.
 *
 * @module
 */
export { type CliOptions, runCli } from "./cli.js";
