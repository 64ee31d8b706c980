import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { afterEach, expect, it } from "vitest";
import { answersGreeting, greetedName, tlsGreeting } from "./tls-greeting.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function asked(serve: (socket: Socket) => void, signal = new AbortController().signal) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    closers.push(() => socket.destroy());
    serve(socket);
  }).listen(0, "127.0.0.1");
  closers.push(() => server.close());
  await once(server, "listening");
  const stream = connect((server.address() as AddressInfo).port, "127.0.0.1");
  return answersGreeting(stream, await tlsGreeting("app.example.com"), signal);
}

it("is answered by a TLS server, also by one that refuses it, and has the name for SNI", async () => {
  let name = "";
  const answered = await asked((socket) => {
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext(),
      SNICallback: (servername, done) => {
        name = servername;
        done(null, createSecureContext());
      },
    });
    secure.on("error", () => {});
  });
  expect(answered).toBe(true);
  expect(name).toBe("app.example.com");
});

it("is not answered by who takes the connection and closes it, or resets it", async () => {
  expect(await asked((socket) => socket.end())).toBe(false);
  expect(await asked((socket) => socket.resetAndDestroy())).toBe(false);
  expect(await asked((socket) => socket.once("data", () => socket.end()))).toBe(false);
});

it("ends when its time is over", async () => {
  const over = new AbortController();
  const answered = asked((socket) => socket.on("data", () => over.abort()), over.signal);
  expect(await answered).toBe(false);
});

it("is for a name below a wildcard, or the record's own", () => {
  expect(greetedName("*.apps.example.com")).toBe("multicloud.apps.example.com");
  expect(greetedName("app.example.com")).toBe("app.example.com");
});
