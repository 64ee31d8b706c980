import { rangeProblems } from "../config/ranges.js";
import { validate } from "../config/validate.js";
import type { Problem } from "../contracts/context.js";
import type { OverlayNetwork } from "../contracts/overlay.js";
import type { Machine } from "../contracts/provider.js";
import { ValidationError } from "../errors/multicloud-error.js";
import { checkGateway } from "../gateway/check.js";
import { leftBehindWarnings } from "../gateway/left-behind.js";
import { askGateways } from "../gateway/status.js";
import { keyFileProblems } from "../hosts/check-key-files.js";
import { requireKnownHosts } from "../hosts/unknown-hosts.js";
import { planGateways } from "../plan/gateway-plan.js";
import { createPlan, diff, type Plan } from "../plan/plan.js";
import { machinesOf, placeOf, type TopologySite } from "../topology/topology.js";
import { type BootableMachine, desiredMachines } from "./desired.js";
import { type Finding, guard, nothing, under } from "./finding.js";
import { forgottenSites } from "./forgotten-sites.js";
import { quorumBlocks } from "./replace.js";
import type { Session } from "./session.js";
import { settle } from "./settle.js";

/** The world as it is and as it should be, before the first effect. */
export interface Survey {
  readonly plan: Plan;
  readonly desired: readonly BootableMachine[];
  readonly existing: ReadonlyMap<string, readonly Machine[]>;
  /** Second machines of a name, which a cloud can make of a creation whose answer was lost. */
  readonly doubles: ReadonlyMap<string, readonly Machine[]>;
  readonly network: OverlayNetwork | undefined;
}

/** Asks every plugin at once what it thinks of the configuration, lists what exists, and compares. Reads only. Rejects with all problems found. */
export async function survey(session: Session): Promise<Survey> {
  const { config, sites } = session;
  const existing = new Map<string, readonly Machine[]>();
  const doubles = new Map<string, readonly Machine[]>();
  let network: OverlayNetwork | undefined;

  // A site's check needs to know what exists there, and nothing of the other sites.
  const siteFindings = sites.map((site) =>
    session.steps.run<readonly Finding[]>(
      { kind: "check", site: site.name, title: "checking the site" },
      async (step) => {
        const listed = site.config.provider
          .list(session.siteContext(site.name))
          .then((machines) => oneOfEach(session, machines));
        const found = await Promise.all([
          guard(`sites.${site.name}.provider`, async () => {
            const { kept, extra } = await listed;
            existing.set(site.name, kept);
            doubles.set(site.name, extra);
            return checkSite(session, site, kept);
          }),
          guard(`sites.${site.name}.gateway`, () => checkGateway(session, site, listed)),
        ]);
        const count = existing.get(site.name)?.length;
        step.result(count === undefined ? "its machines are not known" : `${count} machines exist`);
        return found;
      },
    ),
  );
  const nodes = sites.flatMap((site) => site.nodes);
  const shared = session.steps.run<readonly Finding[]>(
    { kind: "check", title: "checking overlay, engine, entrypoint and addons" },
    () =>
      Promise.all([
        guard("overlay", async () => {
          network = await config.overlay.find(session.context());
          return under("overlay", await config.overlay.check(session.context()));
        }),
        guard("engine", async () =>
          under("engine", await config.engine.check(session.engineContext(), nodes)),
        ),
        guard("entrypoint", async () =>
          under("entrypoint", (await config.entrypoint?.check(session.context())) ?? nothing),
        ),
        guard("api", async () => under("api", (await config.api?.check(session.context())) ?? nothing)),
        ...(config.addons ?? []).map((addon, index) =>
          guard(`addons[${index}]`, async () =>
            under(
              `addons[${index}]`,
              (await addon.check?.(session.context(), nodes, config.engine.facts ?? {})) ?? nothing,
            ),
          ),
        ),
      ]),
  );
  const findings = (await settle([...siteFindings, shared], session.signal)).flat();
  const problems = findings.flatMap((finding) => finding.problems);
  problems.push(...(await forgottenSites(session)), ...(await keyFileProblems(config)));
  if (network?.cidr)
    problems.push(...rangeProblems(config, network.cidr).filter(({ path }) => path.startsWith("overlay")));
  const errors = findings.flatMap((finding) => finding.errors);
  if (problems.length > 0) throw new ValidationError(problems, problems.length === 1 ? errors[0] : undefined);

  const desired = desiredMachines(session, network);
  const actions = diff(desired, existing);
  const blocked = quorumBlocks(actions, existing);
  if (blocked.length > 0) throw new ValidationError(blocked);
  await requireKnownHosts(session, actions);
  const warnings = [
    ...validate(config).warnings,
    ...findings.flatMap((finding) => finding.warnings),
    ...(await leftBehindWarnings(session)),
  ];
  const prices = findings.flatMap(({ priceUsd }) => (priceUsd === undefined ? [] : [priceUsd]));
  const gateways = planGateways(
    sites,
    await askGateways(session, async (site) => existing.get(site)),
    actions,
  );
  const plan = createPlan(config.name, actions, {
    warnings,
    ...(gateways.length > 0 ? { gateways } : {}),
    ...(prices.length > 0 ? { monthlyPriceUsd: prices.reduce((sum, price) => sum + price, 0) } : {}),
  });
  for (const problem of warnings) session.emit({ type: "warning", problem });
  session.emit({ type: "plan-made", plan });
  return { plan, desired, existing, doubles, network };
}

/** One machine of each name: the one whose host keys are known, then the one that is furthest on, then the first listed. The others are doubles. */
async function oneOfEach(
  session: Session,
  machines: readonly Machine[],
): Promise<{ kept: readonly Machine[]; extra: readonly Machine[] }> {
  if (new Set(machines.map(({ name }) => name)).size === machines.length)
    return { kept: machines, extra: [] };
  const records = await Promise.all(machines.map(({ name }) => session.records.read(name)));
  const known = new Set(records.map(({ machine }) => machine));
  const order = ["running", "stopped", "creating", "failed", "deleting"];
  const rank = ({ id, status }: Machine) =>
    known.has(id) && status !== "deleting" ? -1 : order.indexOf(status);
  const kept = new Map<string, Machine>();
  for (const machine of machines) {
    const other = kept.get(machine.name);
    if (!other || rank(machine) < rank(other)) kept.set(machine.name, machine);
  }
  const extra = machines.filter(
    (machine) => kept.get(machine.name) !== machine && machine.status !== "deleting",
  );
  return { kept: [...kept.values()], extra };
}

async function checkSite(
  session: Session,
  site: TopologySite,
  machines: readonly Machine[],
): Promise<Finding> {
  const names = new Set(machines.map(({ name }) => name));
  const shapes = machinesOf(site).map(({ shape }) => shape);
  const check = await site.config.provider.check(session.siteContext(site.name), {
    machines: shapes,
    toCreate: shapes.map(({ name }) => name).filter((name) => !names.has(name)),
    firewall: session.firewall,
  });
  const atHome = (problem: Problem): Problem => ({
    ...problem,
    path: problem.path.replace(/^gateways(?=\.|$)/, placeOf("gateway")),
  });
  const finding = under(`sites.${site.name}`, {
    problems: check.problems.map(atHome),
    warnings: check.warnings.map(atHome),
  });
  return check.monthlyPriceUsd === undefined ? finding : { ...finding, priceUsd: check.monthlyPriceUsd };
}
