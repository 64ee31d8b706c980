import { readFile, writeFile } from "node:fs/promises";
import { certManager, traefik } from "@multicloud/addons";
import { formatProblem, MulticloudError, type Run, type ValidationError } from "@multicloud/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Changes, errorOf, eventsOf, type Lab, openLab } from "./lab.js";

const shape = { home: [1, 0], ramnode: [1, 0], digitalocean: [1, 1] } as const;
const readme = new URL("../../README.md", import.meta.url);
/** Rows of the table, as the mistakes are made. */
const rows: string[] = [];

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

/** Makes a mistake, notes what is said of it, and gives the error. Nothing may have been changed by then. */
async function tell(mistake: string, changes: Changes): Promise<MulticloudError> {
  const effects = lab.effects.all.length;
  const error = await errorOf(lab.cluster(shape, changes).up());
  expect(lab.effectsSince(effects)).toEqual([]);
  expect(MulticloudError.isInstance(error)).toBe(true);
  note(mistake, error.code, error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
  return error;
}

function note(mistake: string, code: string, message: string): void {
  const lines = message
    // What differs from run to run.
    .replace(/SHA256:[A-Za-z0-9+/]{43}/g, "SHA256:…")
    .replace(/gave up after \d+ attempts? in \d+ s/, "gave up after 60 attempts in 600 s")
    .replaceAll(/198\.(18|19)\.\d+\.\d+/g, "198.51.100.7")
    .split("\n")
    .map((line) => `\`${line.trim().replaceAll("|", "\\|")}\``);
  rows.push(`| ${mistake} | \`${code}\` | ${lines.join("<br>")} |`);
}

test("a wrong token", async () => {
  const error = await tell("wrong token", { digitalocean: { token: "dop_v1_of_last_year" } });
  expect(error).toMatchObject({
    code: "AUTH_FAILED",
    site: "digitalocean",
    service: "digitalocean",
    status: 401,
  });
  expect((error as ValidationError).problems).toMatchObject([
    {
      path: "sites.digitalocean.provider",
      message: "digitalocean answered 401 to GET /v2/droplets: Unable to authenticate you",
      hint: expect.stringContaining("check the option token"),
    },
  ]);
});

test("an unknown image", async () => {
  const error = await tell("unknown image", { masters: { ramnode: { image: "debian-21" } } });
  expect(error).toMatchObject({ code: "CONFIG_INVALID" });
  expect((error as ValidationError).problems).toMatchObject([
    {
      path: "sites.ramnode.masters.image",
      given: "debian-21",
      suggestion: "debian-12",
      allowed: ["debian-12"],
    },
  ]);
});

test("an even number of masters: a warning, for it works until a site is lost", async () => {
  const events = await eventsOf(lab.cluster({ home: [1, 0], ramnode: [1, 0], digitalocean: [0, 1] }).plan());
  const warnings = events.flatMap((event) => (event.type === "warning" ? [event.problem] : []));
  const [even] = warnings.filter(({ path }) => path === "sites");
  expect(even).toEqual({
    path: "sites",
    message: "2 masters tolerate the loss of 0, as many as 1 would: etcd wants an odd number",
    given: "home 1, ramnode 1",
    hint: "use 1 or 3",
  });
  note("even number of masters", "warning", formatProblem(even!).trim());
});

test("addons that do not fit what the engine brings", async () => {
  const old = eventsOf(lab.cluster(shape, { addons: [certManager({ email: "ops@example.com" })] }).plan());
  const warnings = (await old).flatMap((event) => (event.type === "warning" ? [event.problem] : []));
  const [range] = warnings.filter(({ path }) => path === "addons[0].manifest");
  note("an addon that is not made for this Kubernetes", "warning", formatProblem(range!).trim());
  const error = await tell("two ingress controllers", { addons: [traefik()] });
  expect((error as ValidationError).problems).toMatchObject([{ path: "addons[0].ports" }]);
});

test("an unreachable host", async () => {
  await lab.cluster(shape).up();
  const mend = lab.world.machines.fault("lab-digitalocean-worker-1", "unreachable");
  const error = await tell("unreachable host", { timing: { sshMs: 4_000 } });
  mend();
  expect(error).toMatchObject({
    code: "HOST_UNREACHABLE",
    site: "digitalocean",
    node: "lab-digitalocean-worker-1",
    message: expect.stringMatching(
      /^lab-digitalocean-worker-1: cannot reach multicloud@[\d.]+:22: no answer in time/,
    ),
    hint: expect.stringContaining("its firewall lets port 22 in"),
  });
});

test("a wrong host key", async () => {
  const mend = lab.world.machines.fault("lab-ramnode-master-1", "other-host-key");
  const error = await tell("wrong host key", {});
  mend();
  expect(error).toMatchObject({
    code: "HOST_KEY_MISMATCH",
    site: "ramnode",
    node: "lab-ramnode-master-1",
    message: expect.stringMatching(/presented ssh-ed25519 SHA256:\S+; accepted: ssh-ed25519 SHA256:/),
    hint: expect.stringContaining("somebody may stand between"),
  });
});

test("no rke program", async () => {
  const error = await tell("no `rke` program", { rke: { binary: "rke" } });
  expect(error).toMatchObject({ code: "ENGINE_TOOL_MISSING" });
  expect((error as ValidationError).problems).toMatchObject([
    {
      path: "engine.binary",
      message: "the program rke was not found",
      hint: expect.stringContaining("https://github.com/rancher/rke/releases"),
    },
  ]);
});

test("a zone that is not there", async () => {
  const error = await tell("bad zone", { cloudflare: { zone: "exmaple.com" } });
  expect(error).toMatchObject({ code: "CONFIG_INVALID" });
  expect((error as ValidationError).problems).toMatchObject([
    { path: "entrypoint.zone", given: "exmaple.com", suggestion: "example.com", allowed: ["example.com"] },
  ]);
});

test("all mistakes are told at once", async () => {
  const error = await errorOf(
    lab
      .cluster(shape, {
        digitalocean: { token: "dop_v1_of_last_year" },
        masters: { ramnode: { image: "debian-21" } },
        rke: { binary: "rke" },
        cloudflare: { zone: "exmaple.com" },
      })
      .plan() as Run<unknown>,
  );
  expect(error.code).toBe("CONFIG_INVALID");
  expect((error as ValidationError).problems.map(({ path }) => path)).toEqual([
    "sites.ramnode.masters.image",
    "sites.digitalocean.provider",
    "engine.binary",
    "entrypoint.zone",
  ]);
});

// `UPDATE_README=1 npx vitest run tests/stories/mistakes` writes it.
test("the table in the README says what is really said", async () => {
  const table = ["| mistake | code | what you are told |", "| --- | --- | --- |", ...rows].join("\n");
  const text = await readFile(readme, "utf8");
  const [before, after] = ["<!-- mistakes -->\n", "\n<!-- end of mistakes -->"];
  const start = text.indexOf(before) + before.length;
  const end = text.indexOf(after);
  expect(start).toBeGreaterThan(before.length);
  if (process.env.UPDATE_README) await writeFile(readme, text.slice(0, start) + table + text.slice(end));
  else expect(text.slice(start, end)).toBe(table);
});
