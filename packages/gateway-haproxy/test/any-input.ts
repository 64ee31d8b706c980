import fc from "fast-check";
import type { RenderInput } from "../src/render.js";

const label = fc
  .tuple(fc.constantFrom(..."abcxyz"), fc.string({ unit: fc.constantFrom(..."abz09-"), maxLength: 12 }))
  .map(([first, rest]) => `${first}${rest}`.replace(/-+$/, ""));

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((text) => (text.includes(".") ? "2001:db8::1" : text)),
);

const backends = fc
  .uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 40 })
  .chain((numbers) =>
    fc.tuple(
      ...numbers.map((number) => address.map((one) => ({ name: `lab-home-worker-${number}`, address: one }))),
    ),
  );

const port = fc.integer({ min: 1, max: 65_535 });

/** Anything that core can hand to the renderer. */
export const anyInput: fc.Arbitrary<RenderInput> = fc
  .record({
    cluster: label,
    site: label,
    workers: backends,
    masters: fc.option(backends, { nil: undefined }),
    workerPorts: fc.record({ http: port, https: port }),
    proxyProtocol: fc.boolean(),
    statsPort: port.filter((one) => ![80, 443, 6443].includes(one)),
    idleSeconds: fc.integer({ min: 1, max: 2_000_000 }),
    ipv6: fc.boolean(),
  })
  .map(({ masters, ...rest }) => ({ ...rest, ...(masters ? { masters } : {}) }));
