import { expect } from "vitest";
import { expectUnsaid, linesOf } from "../describe-cases.js";
import { type EngineCase, master, secondMaster, worker } from "./case.js";

/** Keys and tokens stay where they belong. */
export const secrecyCases: readonly EngineCase[] = [
  {
    name: "no secret is in a report or in a command line, on the nodes or on the operator's machine",
    needs: ["commands"],
    async run(trial) {
      await trial.prepared(master, secondMaster, worker);
      await trial.up(master, worker);
      await trial.up(master, secondMaster, worker);
      const secrets = await trial.secrets();
      expect(secrets.flatMap(linesOf).length, "secrets to look for").toBeGreaterThan(1);
      const commands = (await trial.commandLines()).join("\n");
      expect(commands, "the commands that were given").not.toBe("");
      expectUnsaid(commands, secrets, "a command line");
      await trial.reset(master, secondMaster, worker);
      expectUnsaid((await trial.commandLines()).join("\n"), secrets, "a command line of reset");
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
