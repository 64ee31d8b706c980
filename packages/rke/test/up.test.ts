import { afterEach, expect, test } from "vitest";
import { setUp } from "./fixture.js";

let lab: Awaited<ReturnType<typeof setUp>>;
afterEach(() => lab.close());

test("makes a cluster of all nodes, and then changes nothing", async () => {
  lab = await setUp();
  const first = await lab.engine.up(lab.context(), lab.nodes);
  expect(first.changed).toBe(true);
  expect(first.kubeconfig).toContain("https://203.0.113.1:6443");
  const effects = lab.world.effects.all.length;
  const writes = lab.remoteWrites.length;
  const second = await lab.engine.up(lab.context(), [...lab.nodes].reverse());
  expect(second).toEqual({ changed: false, kubeconfig: first.kubeconfig });
  expect(lab.world.effects.all.length).toBe(effects);
  expect(lab.remoteWrites.length).toBe(writes);
});
