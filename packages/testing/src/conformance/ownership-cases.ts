import { MulticloudError } from "@multicloud/core/plugin";
import { expect } from "vitest";
import type { ConformanceCase } from "./case.js";
import { asLines } from "./trial.js";

/** Ours and not ours: cluster and site decide, never a name. */
export const ownershipCases: readonly ConformanceCase[] = [
  {
    name: "list shows only the machines of this cluster and site",
    async run(trial) {
      // Pairs that a name or a prefix would confuse: lab/ocean-2 and lab-ocean/2 give machines of the same name.
      const places = [
        { cluster: "lab", site: "ocean" },
        { cluster: "lab", site: "ocean-b" },
        { cluster: "lab-ocean", site: "b" },
        { cluster: "la", site: "ocean" },
      ];
      for (const place of places)
        await trial.up(trial.provider(), trial.context(place), trial.batch(1, place));
      for (const place of places) {
        const list = await trial.until(trial.provider(), trial.context(place), ({ length }) => length > 0);
        expect(
          list.map(({ name }) => name),
          `machines of ${place.cluster}/${place.site}`,
        ).toEqual([`${place.cluster}-${place.site}-worker-1`]);
      }
    },
  },
  {
    name: "destroying one cluster leaves another one as it is",
    async run(trial) {
      const other = { cluster: "lab-b", site: "ocean" };
      await trial.up(trial.provider(), trial.context(other), trial.batch(2, other));
      await trial.until(trial.provider(), trial.context(other), (list) =>
        list.every(({ status }) => status === "running"),
      );
      const before = asLines(await trial.things());
      await trial.up(trial.provider(), trial.context(), trial.batch(2));
      await trial.until(trial.provider(), trial.context(), (list) => list.length === 2);
      await trial.destroy(trial.provider(), trial.context());
      expect(asLines(await trial.things())).toEqual(before);
    },
  },
  {
    name: "delete takes no machine of another cluster, even when it is handed one",
    async run(trial) {
      const other = { cluster: "other", site: "ocean" };
      await trial.up(trial.provider(), trial.context(other), trial.batch(1, other));
      const strangers = await trial.until(
        trial.provider(),
        trial.context(other),
        (list) => list.length === 1,
      );
      await trial.settled(trial.provider().delete(trial.context(), strangers));
      expect(await trial.machineNames()).toEqual(["other-ocean-worker-1"]);
    },
  },
  {
    name: "unmarked things are neither listed nor changed nor deleted, also when they have our names",
    needs: ["makeForeign"],
    async run(trial) {
      const context = trial.context();
      const [mine] = trial.batch(1);
      await trial.makeForeign!(mine!.name, context);
      const before = asLines(await trial.things());
      expect(await trial.provider().list(context)).toEqual([]);
      const provider = trial.provider();
      // A cloud in which names are unique has no room for ours: then that is what has to be said.
      const refused = await trial.up(provider, context, [mine!]).then(
        () => undefined,
        (error) => error,
      );
      if (refused) expect(MulticloudError.isInstance(refused) && refused.code).toBe("CONFLICT");
      else await trial.until(provider, context, (list) => list.length === 1);
      await trial.destroy(trial.provider(), context);
      expect(asLines(await trial.things())).toEqual(before);
    },
  },
];
