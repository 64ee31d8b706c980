import { applyFragment } from "@multicloud/core/plugin";
import { expect } from "vitest";
import { type EngineCase, master, secondMaster, secondWorker, thirdMaster, worker } from "./case.js";

/** The life of a cluster: made once, changed node by node, always the same one. */
export const lifeCases: readonly EngineCase[] = [
  {
    name: "up makes one cluster of exactly the nodes that it is given, over their overlay addresses",
    async run(trial) {
      await trial.prepared(master, worker);
      const result = await trial.up(master, worker);
      expect(result.changed).toBe(true);
      const picture = await trial.look(result);
      expect(picture.ready).toEqual([master, worker]);
      expect(picture.others).toEqual([]);
      const nodes = await Promise.all([master, worker].map((name) => trial.connect(name)));
      await Promise.all(nodes.map(({ host }) => host.close()));
      expect(picture.addresses).toEqual(nodes.map((node) => `${node.name} ${node.overlayAddress}`));
    },
  },
  {
    name: "preparing and up again, also by a new process, change nothing and write nothing",
    async run(trial) {
      await trial.prepared(master, worker);
      const first = await trial.up(master, worker);
      for (const name of [master, worker]) {
        const node = await trial.connect(name);
        const { changed } = await applyFragment(node.host, trial.engine().prepare(node, node.user));
        await node.host.close();
        expect(changed, `changed by preparing ${name} again`).toEqual([]);
      }
      await trial.expectSettled(master, worker);
      // The order of the nodes says nothing.
      await trial.expectSettled(worker, master);
      expect(await trial.look(await trial.up(master, worker))).toEqual(await trial.look(first));
    },
  },
  {
    name: "a worker is added, replaced and removed, and the cluster stays the same",
    async run(trial) {
      await trial.prepared(master, worker);
      const { authority } = await trial.look(await trial.up(master, worker));
      const expectNodes = async (...names: string[]) => {
        const picture = await trial.look(await trial.up(...names));
        expect(picture).toMatchObject({ authority, ready: [...names].sort(), others: [] });
      };
      await trial.prepared(secondWorker);
      await expectNodes(master, worker, secondWorker);
      await trial.expectSettled(master, worker, secondWorker);
      // Replaced as core does it: the others go on alone, then the new machine of that name comes in.
      await expectNodes(master, secondWorker);
      await trial.discard(worker);
      await trial.prepared(worker);
      await expectNodes(master, worker, secondWorker);
      // Replaced without a chance to leave: the machine is gone, and another one has its name.
      await trial.discard(secondWorker);
      await trial.prepared(secondWorker);
      await expectNodes(master, worker, secondWorker);
      await expectNodes(master, worker);
      await trial.discard(secondWorker);
      await trial.expectSettled(master, worker);
    },
  },
  {
    name: "masters are added, replaced and removed, the first one too, and the cluster stays the same",
    async run(trial) {
      await trial.prepared(master);
      const { authority } = await trial.look(await trial.up(master));
      const expectNodes = async (...names: string[]) => {
        const picture = await trial.look(await trial.up(...names));
        expect(picture).toMatchObject({ authority, ready: [...names].sort(), others: [] });
      };
      await trial.prepared(secondMaster, thirdMaster);
      await expectNodes(master, secondMaster, thirdMaster);
      await trial.expectSettled(thirdMaster, secondMaster, master);
      await expectNodes(secondMaster, thirdMaster);
      await trial.discard(master);
      await trial.prepared(master);
      await expectNodes(master, secondMaster, thirdMaster);
      await trial.discard(secondMaster);
      await trial.prepared(secondMaster);
      await expectNodes(master, secondMaster, thirdMaster);
      await expectNodes(master, secondMaster);
      await trial.discard(thirdMaster);
      await trial.expectSettled(master, secondMaster);
    },
  },
  {
    name: "reset leaves machines as they were before, also when it is repeated, and another cluster can be made of them",
    async run(trial) {
      await trial.prepared(master, worker);
      const before = await trial.names();
      const { authority } = await trial.look(await trial.up(master, worker));
      expect(await trial.names(), "the harness shows what up() leaves on machines").not.toEqual(before);
      await trial.reset(master, worker);
      expect(await trial.names()).toEqual(before);
      await trial.reset(master, worker);
      expect(await trial.names()).toEqual(before);
      const next = await trial.look(await trial.up(master, worker));
      expect(next.ready).toEqual([master, worker]);
      expect(next.authority, "a new cluster has an authority of its own").not.toBe(authority);
    },
  },
];
