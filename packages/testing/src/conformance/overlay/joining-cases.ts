import { applyFragment } from "@multicloud/core/plugin";
import { expect } from "vitest";
import type { OverlayCase } from "./trial.js";

/** Nodes come in, once, and go for good. */
export const joiningCases: readonly OverlayCase[] = [
  {
    name: "admit gives each node an address on the network's interface, and members shows them",
    async run(trial) {
      const overlay = trial.overlay();
      const context = trial.context();
      const network = await trial.ensure();
      expect(await overlay.find(context)).toEqual(network);
      const names = ["worker-1", "worker-2"];
      await trial.joining(network, ...names);
      // Together, as core does it.
      const given = await Promise.all(
        names.map(async (name) => overlay.admit(context, network, await trial.node(name))),
      );
      for (const { interfaceName } of given) expect(interfaceName).toBe(network.interfaceName);
      expect(new Set(given.map(({ address }) => address)).size, "different addresses").toBe(names.length);
      const members = await trial.overlay().members(context);
      expect([...members].sort((a, b) => (a.node < b.node ? -1 : 1))).toEqual(
        names.map((node, index) => ({ id: given[index]!.memberId, node, address: given[index]!.address })),
      );
    },
  },
  {
    name: "ensure, the boot fragment and admit again, also by a new process, change nothing",
    async run(trial) {
      const context = trial.context();
      const overlay = trial.overlay();
      const network = await overlay.ensure(context);
      await trial.joining(network, "worker-1");
      const node = await trial.node("worker-1");
      const first = await overlay.admit(context, network, node);
      const before = await trial.lines();
      const writes = await trial.writesOf(async () => {
        for (const again of [overlay, trial.overlay()]) {
          expect(await again.ensure(context)).toEqual(network);
          expect(await again.admit(context, network, node)).toEqual(first);
        }
      });
      expect(writes, "changes asked of the service").toBe(0);
      expect(await trial.lines()).toEqual(before);
      const { changed } = await applyFragment(node.host, trial.overlay().boot(network));
      expect(changed, "changed by the boot fragment again").toEqual([]);
    },
  },
  {
    name: "a name that another machine has now leaves no member of the former one",
    async run(trial) {
      const context = trial.context();
      const network = await trial.ensure();
      await trial.joining(network, "worker-1");
      const former = await trial.admit(network, "worker-1");
      await trial.discard("worker-1");
      await trial.joining(network, "worker-1");
      const now = await trial.admit(network, "worker-1");
      expect(now.memberId, "another machine is another member").not.toBe(former.memberId);
      expect((await trial.overlay().members(context)).map(({ id }) => id)).toEqual([now.memberId]);
      expect((await trial.lines()).filter((line) => line.includes(former.memberId))).toEqual([]);
    },
  },
  {
    name: "a node whose admission somebody took back is let in again",
    needs: ["shutOut"],
    async run(trial) {
      const network = await trial.ensure();
      await trial.joining(network, "worker-1");
      // The process that let it in still believes that it is in.
      const overlay = trial.overlay();
      const node = await trial.node("worker-1");
      const first = await overlay.admit(trial.context(), network, node);
      const before = await trial.lines();
      await trial.shutOut!(network, first.memberId);
      expect(await overlay.admit(trial.context(), network, node)).toEqual(first);
      expect(await trial.lines()).toEqual(before);
      await trial.shutOut!(network, first.memberId);
      expect(await trial.admit(network, "worker-1")).toEqual(first);
    },
  },
  {
    name: "remove puts out what it is given and nothing else; again, and by a new process, is fine",
    async run(trial) {
      const context = trial.context();
      const overlay = trial.overlay();
      const network = await trial.ensure();
      await trial.joining(network, "worker-1", "worker-2");
      await trial.admit(network, "worker-1");
      await trial.admit(network, "worker-2");
      const members = await overlay.members(context);
      const gone = members.filter(({ node }) => node === "worker-1");
      // The machine is deleted first, or it would ask again.
      await trial.discard("worker-1");
      await overlay.remove(context, gone);
      await overlay.remove(context, gone);
      await trial.overlay().remove(context, gone);
      await overlay.remove(context, []);
      expect((await trial.overlay().members(context)).map(({ node }) => node)).toEqual(["worker-2"]);
      expect((await trial.lines()).filter((line) => line.includes(gone[0]!.id))).toEqual([]);
    },
  },
  {
    name: "remove and destroy leave nothing, and destroy again is fine",
    async run(trial) {
      const before = await trial.lines();
      const network = await trial.ensure();
      await trial.joining(network, "worker-1");
      await trial.admit(network, "worker-1");
      expect(await trial.lines(), "the harness shows what was made").not.toEqual(before);
      await trial.discard("worker-1");
      await trial.destroy();
      expect(await trial.lines()).toEqual(before);
      await trial.destroy();
      await trial.overlay().destroy(trial.context());
      expect(await trial.lines()).toEqual(before);
      expect(await trial.overlay().members(trial.context())).toEqual([]);
    },
  },
  {
    name: "a machine that outlives the cluster leaves, again is fine, and may join another time",
    async run(trial) {
      const { leave } = trial.overlay();
      if (!leave) return;
      const context = trial.context();
      const before = await trial.lines();
      const network = await trial.ensure();
      await trial.joining(network, "worker-1");
      await trial.admit(network, "worker-1");
      const node = await trial.node("worker-1");
      await leave(context, network, node);
      await leave(context, network, node);
      await trial.overlay().remove(context, await trial.overlay().members(context));
      const left = (await trial.lines()).filter((line) => line.startsWith("member "));
      expect(left).toEqual(before.filter((line) => line.startsWith("member ")));
      await applyFragment(node.host, trial.overlay().boot(network));
      expect((await trial.admit(network, "worker-1")).address).toBeTruthy();
    },
  },
];
