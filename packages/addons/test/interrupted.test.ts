import type { Addon } from "@multicloud/core/plugin";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { certManager, helloWorld, longhorn } from "../src/index.js";
import { type AddonFixture, createPki, type Pki, setUp } from "./fixture.js";

let pki: Pki;
let fixture: AddonFixture;
beforeAll(async () => {
  pki = await createPki();
});
beforeEach(async () => {
  fixture = await setUp(pki);
});
afterEach(() => fixture.close());

const host = "hello.apps.example.com";
const addons: Record<string, (f: AddonFixture) => Addon> = {
  longhorn: ({ releases }) =>
    longhorn({
      manifest: releases.longhorn,
      pollIntervalMs: 1,
      ui: { host, user: "admin", password: "correct horse", issuer: false },
    }),
  certManager: ({ releases }) =>
    certManager({
      email: "ops@example.com",
      manifest: releases.certManager,
      pollIntervalMs: 1,
      cloudflare: { token: "secret-token" },
    }),
  helloWorld: () => helloWorld({ host, issuer: false }),
};

test.each(Object.keys(addons))(
  "%s, cut off after every single effect, gets there with nothing doubled",
  async (name) => {
    const { world, context } = fixture;
    const effects = world.effects.all;
    let points = 0;
    for (;;) {
      const cut = new AbortController();
      const stop = world.effects.listen(() => {
        points += 1;
        cut.abort(new Error("cut off"));
      });
      const done = await addons[name]!(fixture)
        .apply({ ...context, signal: cut.signal })
        .then(
          () => true,
          () => false,
        );
      stop();
      if (done) break;
      expect(cut.signal.aborted).toBe(true);
    }
    expect(points).toBeGreaterThan(3);
    // Each thing was made once and never touched again, or was Longhorn's and was tagged once.
    expect(
      effects.filter(({ action, name }) => action !== "create" && !/^Node longhorn-system\//.test(name)),
    ).toEqual([]);
    expect(new Set(effects.map((effect) => effect.name)).size).toBe(effects.length);
  },
);
