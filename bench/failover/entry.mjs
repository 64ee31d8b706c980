// The ingress of a node: takes connections, says nothing. `node entry.mjs PORT`.
import { createServer } from "node:net";

createServer((socket) => {
  socket.on("error", () => {});
  socket.end();
}).listen(Number(process.argv[2]));
