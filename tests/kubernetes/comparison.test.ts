import { afterAll, beforeAll, expect, test } from "vitest";
import { answersOf } from "./comparison.js";
import { comparisonCases } from "./comparison-cases.js";
import { emulatedServer, realServer, type Server } from "./servers.js";

let real: Server;
let emulated: Server;
beforeAll(async () => {
  [real, emulated] = await Promise.all([realServer(), emulatedServer()]);
});
afterAll(async () => {
  await Promise.all([real?.close(), emulated?.close()]);
});

test.each(comparisonCases)(
  "the emulated API server answers as the real one: $name",
  async ({ name, play }) => {
    const namespace = `compare-${comparisonCases.findIndex((one) => one.name === name)}`;
    const [wanted, found] = await Promise.all(
      [real, emulated].map(async (server) => {
        const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
        await server.request({ method: "POST", path: "/api/v1/namespaces", body });
        const answers = await answersOf(server, (ask) => play(ask, namespace));
        await server.request({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` });
        return answers;
      }),
    );
    expect(found).toEqual(wanted);
  },
);
