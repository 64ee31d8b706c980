import type { EntrypointHarness } from "@multicloud/testing/conformance";
import type { Fault } from "../../testing/src/world/faults.js";
import { bundleProgram } from "../../testing/test/bundle-program.js";
import { shortenWaits } from "../../testing/test/shorten-waits.js";
import config from "../tsup.config.js";
import { setUp } from "./fixture.js";

/** The in-cluster half, bundled at its first use. */
let program: Promise<string> | undefined;

/** An emulated account with an empty zone, for the conformance suite. */
export async function openEntrypointHarness(): Promise<EntrypointHarness> {
  const { world, dns, entrypoint } = await setUp();
  const wrongToken = "wrong_wrong_wrong_wrong_wrong_wrong";
  let isAway = false;
  let cut: Fault | undefined;
  const take = world.faults.take.bind(world.faults);
  world.faults.take = (call) => {
    if (isAway) return { reset: "before" };
    if (cut === undefined || call.method === "GET") return take(call);
    const fault = cut;
    cut = undefined;
    return fault;
  };
  const open = (record: string, token = dns.token) => {
    const plugin = entrypoint({ record, token });
    const bundle = () => {
      program ??= bundleProgram(new URL("..", import.meta.url), config);
      return program;
    };
    return { ...plugin, inCluster: { ...plugin.inCluster!, program: bundle } };
  };
  let waitAsEver = () => {};
  return {
    entrypoint: (record) => open(record),
    lookUp: (name) => dns.resolve(name),
    things: () =>
      dns.list().map(({ name, type, content, ttl, proxied, comment }) => ({
        kind: type,
        name,
        state: JSON.stringify([content, ttl, proxied, comment]),
      })),
    writes: () => world.effects.all.length,
    secrets: [dns.token, wrongToken],
    onWrite: (listener) => world.effects.listen(listener),
    cutWrite(when) {
      cut = { reset: when };
    },
    outage() {
      isAway = true;
      waitAsEver();
      waitAsEver = shortenWaits();
      return () => {
        waitAsEver();
        isAway = false;
      };
    },
    async makeForeign(name, content) {
      const call = async (path: string, body?: object) => {
        const answer = await fetch(`${dns.url}/zones${path}`, {
          headers: { authorization: `Bearer ${dns.token}` },
          ...(body ? { method: "POST", body: JSON.stringify(body) } : {}),
        });
        if (!answer.ok) throw new Error(`the change by hand got ${answer.status}`);
        return (await answer.json()) as { readonly result: readonly { readonly id: string }[] };
      };
      const [zone] = (await call("")).result;
      await call(`/${zone?.id}/dns_records`, { name, type: "A", content, comment: "by hand" });
    },
    wrongCredentials: (record) => open(record, wrongToken),
    wildcard: true,
    together: true,
    async close() {
      // A case that failed in between has not mended anything.
      waitAsEver();
      await dns.close();
    },
  };
}
