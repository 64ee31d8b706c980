import { entryAddresses } from "../entrypoint/candidates.js";
import { type WatchOptions, watchEntrypoint } from "../entrypoint/watch.js";
import { MulticloudError, ValidationError } from "../errors/multicloud-error.js";
import type { Session } from "../orchestrate/session.js";
import { askSite } from "../orchestrate/status.js";
import { nearest } from "../plugin/nearest.js";
import { ask } from "./http-client.js";
import { untilClientHasAnswer, untilRecordIsRight } from "./measure.js";
import { cannotCut, cutByProvider, restorePower, type SiteCut } from "./site-power.js";

/** Options of a drill. */
export interface DrillOptions {
  /** Site to lose. */
  readonly lose: string;
  /** The cluster's name, typed out: without it no site is cut off through its cloud. Not needed with `cut`. */
  readonly confirm?: string;
  /** How the site is lost, and given back. Default: its cloud cuts the power of its machines. */
  readonly cut?: SiteCut;
  /**
   * How the record is kept meanwhile: by a watch in this process with these options, or with `false` by what runs in
   * the cluster. Default: `false` when an addon keeps it there, otherwise a watch.
   */
  readonly watch?: Omit<WatchOptions, "signal"> | false;
  /** Host name of an application. Default: the record's name, with `drill` for a wildcard. */
  readonly host?: string;
  /** How the client resolves it. Default: the system's name servers, which may remember an address for its TTL. */
  readonly resolve?: (host: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** Milliseconds between two looks at the record and two requests. Default 250. */
  readonly intervalMs?: number;
  /** Milliseconds after which the drill has failed. Default 120,000. */
  readonly timeoutMs?: number;
  /** Ends the drill early; the site gets its power back all the same. */
  readonly signal?: AbortSignal;
}

/** A moment of a drill. */
export interface DrillMoment {
  /** Seconds since the order to cut the site off was given. */
  readonly seconds: number;
  readonly what: string;
}

/** What a drill measured. */
export interface DrillResult {
  readonly lost: string;
  readonly record: string;
  readonly host: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Seconds from the loss until the record held no address of the lost site. 0 when it held none before. */
  readonly recordSeconds: number;
  /** Seconds from the loss until the client had the answer again that it had before. 0 when it never failed. */
  readonly clientSeconds: number;
  readonly timeline: readonly DrillMoment[];
}

/** How long one request of the client may take for each address. */
const requestMs = 2_000;

/** Loses a site, measures how long it takes until the name works again, and gives the site back. */
export async function drill(session: Session, options: DrillOptions): Promise<DrillResult> {
  const kept = session.config.addons?.some(({ keepsEntrypoint }) => keepsEntrypoint) ?? false;
  const { lose, watch = kept ? false : {}, intervalMs = 250, timeoutMs = 120_000 } = options;
  const entrypoint = checked(session, options);
  await restorePower(session);
  const host = options.host ?? entrypoint.record.replace(/^\*/, "drill");
  const resolve = options.resolve ?? systemResolver();
  const look = async () => (await entrypoint.get(session.context()))?.addresses ?? [];
  const request = async (signal: AbortSignal) => {
    const addresses = await resolve(host, signal).catch(() => []);
    return ask({ dialer: session.dialer, host, addresses, signal, timeoutMs: requestMs });
  };
  const [theirs, before, answer] = await Promise.all([
    addressesOf(session, lose),
    look(),
    request(session.signal),
  ]);
  if (answer === undefined || answer >= 500) throw silentBefore(host, before, answer);

  const stop = new AbortController();
  const watching =
    watch === false
      ? undefined
      : watchEntrypoint(
          { ...session, signal: AbortSignal.any([session.signal, stop.signal]) },
          { ...watch, signal: stop.signal },
        );
  watching?.catch(() => {});
  const timeline: DrillMoment[] = [];
  let lostAt = performance.now();
  const seconds = () => (performance.now() - lostAt) / 1000;
  const note = (what: string) => {
    const moment = { seconds: seconds(), what };
    timeline.push(moment);
    session.emit({ type: "drill-moment", ...moment });
    return moment.seconds;
  };
  const cut = options.cut ?? cutByProvider(session);
  const over = new AbortController();
  const deadline = AbortSignal.any([session.signal, over.signal, AbortSignal.timeout(timeoutMs)]);
  let restore: (() => Promise<void>) | undefined;
  const isLost = () => restore !== undefined;
  const measured = { theirs, before, answer, intervalMs, look, request, isLost, note };
  try {
    lostAt = performance.now();
    // The cloud may take a while until all machines are off, and the first one off may be the one that counts.
    const record = untilRecordIsRight(measured, deadline);
    const client = untilClientHasAnswer(measured, record, deadline);
    client.catch(() => {});
    record.catch(() => {});
    restore = await cut(lose, session.signal);
    note(`${lose} is lost`);
    const [{ seconds: recordSeconds, after }, clientSeconds] = await Promise.all([record, client]);
    return {
      lost: lose,
      record: entrypoint.record,
      host,
      before,
      after,
      recordSeconds,
      clientSeconds,
      timeline,
    };
  } catch (error) {
    session.signal.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new MulticloudError(
      `${Math.round(timeoutMs / 1000)} s after the loss of ${lose}, ${host} is still not back: ${entrypoint.record} holds ${(await look().catch(() => [])).join(", ") || "nothing"}`,
      {
        code: "TIMEOUT",
        site: lose,
        hint: "does anything keep the record (a watch, or the agents in the cluster)?",
      },
    );
  } finally {
    over.abort();
    stop.abort();
    await watching?.catch(() => {});
    if (restore) {
      await restore();
      note(`${lose} has its power back`);
    }
  }
}

function checked(session: Session, { lose, confirm, cut }: DrillOptions) {
  const { config, sites } = session;
  const names = sites.map(({ name }) => name);
  const site = sites.find(({ name }) => name === lose);
  if (!site) {
    const suggestion = nearest(lose, names);
    throw new ValidationError([
      {
        path: "lose",
        message: "is no site of this cluster",
        given: lose,
        allowed: names,
        ...(suggestion ? { suggestion } : {}),
      },
    ]);
  }
  if (!config.entrypoint)
    throw new ValidationError([
      { path: "entrypoint", message: "is missing: a drill measures how its record moves" },
    ]);
  if (!cut && confirm !== config.name)
    throw new ValidationError([
      {
        path: "confirm",
        message: `must be the cluster's name, because this cuts the power of all machines of ${lose}`,
        ...(confirm === undefined ? {} : { given: confirm }),
        allowed: [config.name],
      },
    ]);
  if (!cut && !site.config.provider.power) throw cannotCut(lose, site.config.provider.name);
  return config.entrypoint;
}

/** Addresses through which the internet enters the cluster at a site. */
async function addressesOf(session: Session, site: string): Promise<readonly string[]> {
  const { machines = [], error } = await askSite(session, site);
  if (error) throw error;
  const sites = session.sites.filter(({ name }) => name === site);
  const entries = await entryAddresses({ ...session, sites }, new Map([[site, machines]]));
  return entries.map(({ address }) => address);
}

function systemResolver(): NonNullable<DrillOptions["resolve"]> {
  return async (host) => {
    const { Resolver } = await import("node:dns/promises");
    const resolver = new Resolver({ timeout: 2_000, tries: 1 });
    const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    return found.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  };
}

function silentBefore(
  host: string,
  addresses: readonly string[],
  status: number | undefined,
): MulticloudError {
  const what = status === undefined ? "does not answer" : `answers ${status}`;
  return new MulticloudError(
    `https://${host}/ ${what} even before the drill, so there is nothing to measure`,
    {
      code: "ENTRYPOINT_FAILED",
      hint: `the record holds ${addresses.join(", ") || "nothing"}; give drill() the \`host\` of an application that works`,
    },
  );
}
