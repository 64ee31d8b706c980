// The ingress of a node: refuses every TLS greeting, as one does that does not have the name. `node entry.mjs PORT`.
import { createServer } from "node:net";

/** A fatal alert, `unrecognized_name` (RFC 8446 §6, RFC 6066 §3). */
const alert = Buffer.from([21, 3, 3, 0, 2, 2, 112]);

createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", () => socket.end(alert));
}).listen(Number(process.argv[2]));
