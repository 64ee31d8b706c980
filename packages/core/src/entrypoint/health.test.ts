import fc from "fast-check";
import { expect, it } from "vitest";
import { forgiveMs, type Health, newHealth, observe } from "./health.js";

const limits = { failures: 3, returnMs: 30_000 };

/** The health after probes 2 s apart: `+` answered, `-` failed. */
function after(probes: string, start: Health = newHealth(0), from = 0): Health {
  return [...probes].reduce(
    (health, probe, index) => observe(health, probe === "+", from + index * 2_000, limits),
    start,
  );
}

it("is alive with the first answer and dead after three failures in a row", () => {
  expect(after("+").status).toBe("up");
  expect(after("+--").status).toBe("up");
  expect(after("+--+--").status).toBe("up");
  expect(after("+---")).toMatchObject({ status: "down", failingSince: 2_000, since: 6_000 });
  expect(after("---").status).toBe("down");
});

it("is alive again after having answered everything for a while", () => {
  const dead = after("+---");
  const at = 8_000;
  expect(after("+".repeat(15), dead, at).status).toBe("down");
  expect(after("+".repeat(16), dead, at).status).toBe("up");
  expect(after(`${"+".repeat(15)}-${"+".repeat(15)}`, dead, at).status).toBe("down");
});

it("is asked to be good for longer each time it dies, until it has lived long", () => {
  let health = after("+---");
  health = after(`${"+".repeat(16)}---`, health, 8_000);
  expect(health).toMatchObject({ status: "down", deaths: 2 });
  expect(after("+".repeat(30), health, 50_000).status).toBe("down");
  health = after("+".repeat(31), health, 50_000);
  expect(health.status).toBe("up");
  expect(after("---", health, 50_000 + 62_000 + forgiveMs)).toMatchObject({ status: "down", deaths: 1 });
});

it("never dies of fewer failures in a row than the limit, and never returns sooner than the while", () => {
  const probes = fc.array(fc.boolean(), { maxLength: 200 });
  fc.assert(
    fc.property(probes, (results) => {
      let health = newHealth(0);
      let row = 0;
      let goodFrom: number | undefined;
      results.forEach((ok, index) => {
        const at = index * 2_000;
        const before = health.status;
        health = observe(health, ok, at, limits);
        row = ok ? 0 : row + 1;
        goodFrom = ok ? (goodFrom ?? at) : undefined;
        if (before !== "down" && health.status === "down")
          expect(row).toBeGreaterThanOrEqual(limits.failures);
        if (before === "down" && health.status === "up")
          expect(at - (goodFrom ?? at)).toBeGreaterThanOrEqual(limits.returnMs);
      });
    }),
  );
});
