import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { freeHosts, gatewayOn, siteContext } from "./gateway-lab.js";

const context = siteContext();

test("finds its public address by sources that agree", async () => {
  // Nothing is changed there.
  const address = freeHosts[0]!;
  const answers = ["198.51.100.4\n", "198.51.100.4", "<html>sign in</html>", "198.51.100.9"];
  const servers = await Promise.all(
    answers.map(async (answer) => {
      const server = createServer((_, response) => response.end(answer));
      await new Promise<void>((resolve) => server.listen(0, "10.77.0.1", resolve));
      return { server, url: `http://10.77.0.1:${(server.address() as AddressInfo).port}/` };
    }),
  );
  const [one, two, portal, liar] = servers.map(({ url }) => url) as [string, string, string, string];
  const ask = (...sources: string[]) =>
    gatewayOn(address, { publicAddress: "auto", sources }).publicAddress(context);
  expect(await ask(one, two, portal)).toBe("198.51.100.4");
  await expect(ask(one, two, liar)).rejects.toMatchObject({ code: "SERVICE_ANSWER" });
  await expect(ask(one, portal)).rejects.toMatchObject({ code: "SERVICE_UNREACHABLE" });
  await expect(ask(one, "http://10.77.0.1:1/")).rejects.toMatchObject({ code: "SERVICE_UNREACHABLE" });
  expect(
    (await gatewayOn(address, { publicAddress: "auto", sources: [one, one] }).check(context)).problems,
  ).toMatchObject([{ path: "sources" }]);
  for (const { server } of servers) server.close();
});
