import fc from "fast-check";
import type { NodeFragment } from "../src/contracts/fragment.js";

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/);
const path = fc
  .array(fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9 '"$*[\]é._-]{0,6}$/), { minLength: 1, maxLength: 3 })
  .map((parts) => `/${parts.join("/")}`);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("yes", "0644", "1:30", "=", " x\n", "a\n\n", "'\"\\$`"),
);
// One wish per name wherever it comes from, so that fragments contradict each other in nothing.
const derive = (seed: string): string => `${seed}!`;

/** Fragments that are right in themselves and never contradict each other. */
export function anyFragment(): fc.Arbitrary<NodeFragment> {
  return fc.record(
    {
      packages: fc.array(
        word.map((name) => `p${name}`),
        { maxLength: 4 },
      ),
      directories: fc
        .uniqueArray(path, { maxLength: 3 })
        .map((paths) => paths.map((p) => ({ path: `/d${p}` }))),
      files: fc
        .uniqueArray(
          fc.oneof(
            path,
            text.map((t) => `/t${Buffer.from(t).toString("hex")}`),
          ),
          { maxLength: 4 },
        )
        .map((paths) =>
          paths.map((p) => ({
            path: `/f${p}`,
            content: p.startsWith("/t") ? Buffer.from(p.slice(2), "hex").toString() : derive(p),
            ...(p.length % 2 === 0 && { mode: "0600" }),
            ...(p.length % 3 === 0 && { owner: "zerotier-one:zerotier-one" }),
          })),
        ),
      users: fc.array(
        fc.record({ name: word, groups: fc.array(word, { maxLength: 2 }), sudo: fc.boolean() }),
        { maxLength: 3 },
      ),
      sysctl: fc
        .array(word, { maxLength: 3 })
        .map((names) => Object.fromEntries(names.map((n) => [`net.${n}.x`, n]))),
      services: fc.array(fc.record({ name: word, restartOn: fc.array(path, { maxLength: 2 }) }), {
        maxLength: 3,
      }),
      commands: fc.uniqueArray(word, { maxLength: 3 }).map((names) =>
        names.map((name) => ({
          name,
          run: `echo '${name}'\ntrue`,
          ...(name.length % 2 === 0 && { unless: `test -e /${name} # no` }),
        })),
      ),
    },
    { requiredKeys: [] },
  );
}
