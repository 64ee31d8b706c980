import { expect } from "vitest";
import { expectUnsaid, linesOf } from "../describe-cases.js";
import { type EngineCase, master, secondMaster, worker } from "./case.js";

/** Keys and tokens stay where they belong. */
export const secrecyCases: readonly EngineCase[] = [
  {
    name: "no secret is in a command line on a node",
    async run(trial) {
      const nodes = [master, secondMaster, worker];
      await trial.prepared(...nodes);
      await trial.up(master, worker);
      await trial.up(...nodes);
      const secrets = await trial.secrets();
      expect(secrets.flatMap(linesOf).length, "secrets to look for").toBeGreaterThan(1);
      expect(trial.nodeCommands(), "the commands that nodes were given").not.toHaveLength(0);
      await trial.reset(...nodes);
      expectUnsaid(trial.nodeCommands().join("\n"), secrets, "a command line");
    },
  },
  {
    name: "no secret is in a command line or in the environment of a program on the operator's machine",
    needs: ["commands"],
    async run(trial) {
      await trial.prepared(master, worker);
      await trial.up(master, worker);
      const secrets = await trial.secrets();
      await trial.reset(master, worker);
      const commands = (await trial.commands!()).join("\n");
      expect(commands, "the programs that were started").not.toBe("");
      expectUnsaid(commands, secrets, "a command line");
    },
  },
  {
    name: "files with a secret are for their owner alone (0600)",
    needs: ["files"],
    async run(trial) {
      await trial.prepared(master, worker);
      await trial.up(master, worker);
      const secrets = (await trial.secrets()).flatMap(linesOf);
      let found = 0;
      for (const { path, mode, content } of await trial.files!()) {
        const has = secrets.some((secret) => content.includes(secret));
        if (!has) continue;
        found += 1;
        expect(mode & 0o077, `${path} has a secret, so its mode ${mode.toString(8)} is too open`).toBe(0);
      }
      expect(found, "files with a secret").toBeGreaterThan(0);
    },
  },
];
