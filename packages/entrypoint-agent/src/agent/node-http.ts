/**
 * `node:http` as CommonJS has it. An `import` of it makes an ES module of it, for which every export is looked at: from
 * Node 22 on `WebSocket` is among them, which loads all that `fetch` needs. That takes 30 MiB, and WebAssembly, which
 * `--jitless` takes away: the agent would end at its start.
 */
export const http = process.getBuiltinModule("node:http");
