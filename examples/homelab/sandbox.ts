// `npm start`: the homelab script on emulated clouds. Only the endpoints differ from the real ones, and they come by
// the environment, as they would for anybody.
import { rm } from "node:fs/promises";
import { formatPlan, MulticloudError, type Run } from "@multicloud/core";
import { formatDrill, formatNodes, formatTimings, showProgress } from "@multicloud/core/terminal";
import { socks5Dialer } from "@multicloud/ssh";
import { sandbox } from "@multicloud/testing";
import { homelab } from "./homelab.js";

const json = process.argv.includes("--json");
const say = (text: string) => {
  if (!json) process.stdout.write(`${text}\n`);
};

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    process.stderr.write("Stopping; once more to stop at once.\n");
    process.once(signal, () => process.exit(130));
    interrupted.abort(new Error(`stopped by ${signal}`));
  });
}

/** Shows a run as it goes, for a person or as JSON lines, and gives its result. */
async function show<T>(run: Run<T>): Promise<T> {
  if (json) for await (const event of run) process.stdout.write(`${JSON.stringify(event)}\n`);
  else await showProgress(run, { output: process.stdout });
  return run;
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`this should not happen: ${what}`);
}

// One virtual second takes a twelfth of a real one.
const world = await sandbox({ scale: 1 / 12, homeProxy: false });
Object.assign(process.env, world.env);
const { signal } = interrupted;
try {
  const cluster = homelab(
    { ...world.home, gateway: true },
    {
      dialer: socks5Dialer(world.socks),
      state: world.stateDirectory,
      timing: { pollMs: 250 },
    },
  );

  say("\n# One cluster over three clouds\n");
  const up = await show(cluster.up({ signal }));
  say(`\n${formatNodes(up.nodes)}\n`);
  say(
    `${up.entrypoint?.record} → ${up.entrypoint?.addresses.join(", ")}; hello.apps.${world.home.zone} resolves to ${world.resolve(`hello.apps.${world.home.zone}`).join(", ")}`,
  );
  say(`kubeconfig: ${up.kubeconfig}\n`);
  say(formatTimings(up.timings));

  say("\n# The same again: nothing to do\n");
  const before = world.effects.all.length;
  const again = await show(cluster.up({ signal }));
  const writes = world.effects.all.length - before;
  say(`\n${formatPlan(again.plan)}\nWrites counted by the sandbox: ${writes}.`);
  expect(again.plan.unchanged && writes === 0, `the second up() wrote ${writes} times`);

  say("\n# The power at home goes; the record moves\n");
  const loss = await show(
    cluster.drill({
      lose: "home",
      signal,
      watch: { intervalMs: 500, probeMs: 500 },
      host: `hello.apps.${world.home.zone}`,
      resolve: async (name) => world.resolve(name),
      async cut() {
        world.setPower("home", false);
        return async () => world.setPower("home", true);
      },
    }),
  );
  say(`\n${formatDrill(loss)}`);
  const [now] = world.resolve(`hello.apps.${world.home.zone}`);
  expect(now !== undefined && now !== world.home.router, "the record did not move");

  say("\n# The power is back; everything is removed\n");
  await show(cluster.destroy({ signal }));
  const left = world.resources();
  say(left.length === 0 ? "\nNothing is left anywhere." : `\nLeft behind:\n${left.join("\n")}`);
  expect(left.length === 0, `${left.length} resources are left`);
} catch (error) {
  const known = MulticloudError.isInstance(error);
  process.stderr.write(
    `\n${known ? `${error.code}: ${error.message}${error.hint ? `\n${error.hint}` : ""}` : (error as Error).stack}\n`,
  );
  process.exitCode = 1;
} finally {
  await world.close();
  await rm(world.stateDirectory, { recursive: true, force: true });
}
