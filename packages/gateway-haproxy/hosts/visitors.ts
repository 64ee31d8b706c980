import { setTimeout as sleep } from "node:timers/promises";
import type { Gateway } from "@multicloud/core/plugin";
import { expect, vi } from "vitest";
import { siteContext, visit } from "./gateway-lab.js";

/** Waits until HAProxy itself says that so many workers answer. */
export async function untilHealthy(gateway: Gateway, count: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const state = await gateway.find?.(siteContext());
      expect(state?.backends.filter(({ healthy }) => healthy)).toHaveLength(count);
    },
    { interval: 100, timeout: 60_000 },
  );
}

/** Visits by several clients at once until the work is done; `visits(n)` resolves once so many more were made. */
export async function underLoad(
  address: string,
  work: (visits: (more: number) => Promise<void>) => Promise<void>,
) {
  const answers = new Map<string, number>();
  const errors: string[] = [];
  let busy = true;
  const made = () => errors.length + [...answers.values()].reduce((sum, count) => sum + count, 0);
  const visits = async (more: number) => {
    const enough = made() + more;
    await vi.waitFor(() => expect(made()).toBeGreaterThanOrEqual(enough), { interval: 20, timeout: 60_000 });
  };
  const clients = Array.from({ length: 16 }, async () => {
    while (busy) {
      await visit(address, 443).then(
        (answer) => answers.set(answer, (answers.get(answer) ?? 0) + 1),
        (error: Error) => errors.push(error.message),
      );
      await sleep(2);
    }
  });
  try {
    await work(visits);
  } finally {
    busy = false;
    await Promise.all(clients);
  }
  return { answers, errors, total: [...answers.values()].reduce((sum, count) => sum + count, 0) };
}
