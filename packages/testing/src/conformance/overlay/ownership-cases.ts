import { MulticloudError } from "@multicloud/core/plugin";
import { expect } from "vitest";
import type { OverlayCase } from "./trial.js";

const other = { cluster: "other" };

/** Ours and not ours: the mark decides. */
export const ownershipCases: readonly OverlayCase[] = [
  {
    name: "members of another cluster are neither shown nor put out, also when they are handed over",
    async run(trial) {
      const theirs = await trial.overlay().ensure(trial.context(other));
      await trial.joining(theirs, "theirs-1");
      await trial.admit(theirs, "theirs-1", trial.context(other));
      const before = await trial.lines();
      const ours = await trial.ensure();
      await trial.joining(ours, "ours-1");
      await trial.admit(ours, "ours-1");
      const show = async (context: { readonly cluster?: string }) =>
        (await trial.overlay().members(trial.context(context))).map(({ node }) => node);
      expect(await show({})).toEqual(["ours-1"]);
      expect(await show(other)).toEqual(["theirs-1"]);
      // A name that begins like another one is another one.
      expect(await show({ cluster: "la" })).toEqual([]);
      expect(await show({ cluster: "lab-2" })).toEqual([]);
      const members = await trial.overlay().members(trial.context(other));
      await trial.settled(trial.overlay().remove(trial.context(), members));
      await trial.discard("ours-1");
      await trial.destroy();
      expect(await trial.lines()).toEqual(before);
    },
  },
  {
    name: "a member that somebody let in by hand is neither shown, nor changed, nor put out",
    needs: ["letInByHand"],
    async run(trial) {
      const context = trial.context();
      const network = await trial.ensure();
      await trial.joining(network, "friend", "worker-1");
      await trial.letInByHand!(network, await trial.node("friend"));
      const before = (await trial.lines()).filter((line) => line.startsWith("member "));
      // A node of ours that somebody let in before works, and stays theirs.
      const { address, memberId } = await trial.admit(network, "friend");
      expect(address).toBeTruthy();
      await trial.admit(network, "worker-1");
      expect((await trial.overlay().members(context)).map(({ node }) => node)).toEqual(["worker-1"]);
      const writes = await trial.writesOf(() =>
        trial.overlay().remove(context, [{ id: memberId, node: "friend", address }]),
      );
      expect(writes, "changes by remove() of a member that is not ours").toBe(0);
      await trial.discard("worker-1");
      await trial.overlay().remove(context, await trial.overlay().members(context));
      expect((await trial.lines()).filter((line) => line.startsWith("member "))).toEqual(before);
    },
  },
  {
    name: "a member of another cluster is not taken over, whatever its name",
    needs: ["sharedNetwork"],
    async run(trial) {
      const network = await trial.ensure();
      await trial.joining(network, "worker-1");
      await trial.admit(network, "worker-1", trial.context(other));
      const before = await trial.lines();
      const error = await trial.errorOf(trial.admit(network, "worker-1"));
      expect(MulticloudError.isInstance(error) && error.code).toBe("CONFLICT");
      expect(await trial.lines()).toEqual(before);
      // The same name in both clusters: each has its own machine.
      await trial.discard("worker-1");
      await trial.joining(network, "worker-1");
      await trial.admit(network, "worker-1");
      expect(await trial.lines()).toEqual(expect.arrayContaining([...before]));
    },
  },
];
