import { type Machine, MulticloudError, type Provider, type SiteContext } from "@multicloud/core/plugin";
import { expect, onTestFailed } from "vitest";
import { type OpenStackOptions, openstack } from "../../src/index.js";
import { createContext } from "../sandbox.js";
import type { CloudUnderTest } from "./cloud-under-test.js";
import { openRaw, type RawCloud } from "./raw-cloud.js";

/** An entry of the suite's `clouds.yaml`. */
export type Entry = "home" | "home-password" | "home-paged" | "attic" | "cellar";

/** What the cases work with: the cloud, its projects seen without our client, and what they all do. */
export interface Bench {
  readonly cloud: CloudUnderTest;
  readonly home: RawCloud;
  readonly attic: RawCloud;
  readonly cellar: RawCloud;
  /** To be called before the first case. */
  open(cloud: CloudUnderTest): Promise<void>;
  /** A site of a cluster of its own; a case that fails leaves nothing to the next one either. */
  site(cluster: string, entry?: Entry): SiteContext;
  options(entry: Entry, more?: OpenStackOptions): OpenStackOptions;
  provider(entry: Entry, more?: OpenStackOptions): Provider;
  /** Looks again until it is so, for at most a quarter of an hour. */
  until<T>(look: () => Promise<T>, isSo: (value: T) => boolean): Promise<T>;
  /** The machines, once none of them is on its way. */
  settled(context: SiteContext, from?: Provider): Promise<readonly Machine[]>;
  /** Deletes everything of a site; the case has failed when anything is left. */
  clean(context: SiteContext, entry?: Entry): Promise<void>;
}

export function createBench(): Bench {
  let bench: Bench;
  const opened: { cloud?: CloudUnderTest; home?: RawCloud; attic?: RawCloud; cellar?: RawCloud } = {};
  const methods: Omit<Bench, "cloud" | "home" | "attic" | "cellar"> = {
    async open(cloud) {
      opened.cloud = cloud;
      opened.home = await openRaw(cloud.cloudsFile, "home-password");
      opened.attic = await openRaw(cloud.cloudsFile, "attic");
      opened.cellar = await openRaw(cloud.cloudsFile, "cellar");
      Object.assign(bench, opened);
    },
    site(cluster, entry = "home") {
      const context = createContext({ cluster });
      onTestFailed(async () => {
        const own = methods.provider(entry);
        await own.delete(context, await own.list(context));
        await own.deleteShared(context);
      });
      return context;
    },
    options: (entry, more = {}) => ({
      cloud: entry,
      cloudsFile: opened.cloud!.cloudsFile,
      network: "homenet",
      ...more,
    }),
    provider: (entry, more = {}) => openstack(methods.options(entry, more)),
    async until(look, isSo) {
      const end = performance.now() + 900_000;
      for (;;) {
        const value = await look();
        if (isSo(value)) return value;
        if (performance.now() > end) throw new Error(`still ${JSON.stringify(value)}`);
        await new Promise((resolve) => setTimeout(resolve, opened.cloud!.pollMs));
      }
    },
    settled: (context, from = methods.provider("home")) =>
      methods.until(
        () => from.list(context),
        (machines) => machines.every(({ status }) => status !== "creating" && status !== "deleting"),
      ),
    async clean(context, entry = "home") {
      const own = methods.provider(entry);
      await own.delete(context, await own.list(context));
      await own.deleteShared(context);
      const mine = (items: readonly string[]) => items.filter((item) => item.includes(context.cluster));
      const raw = { attic: opened.attic!, cellar: opened.cellar! }[entry as string] ?? opened.home!;
      const left = await methods.until(
        () => raw.leftovers(),
        (all) => mine(all.servers).length === 0,
      );
      const marked = [left.securityGroups, left.keypairs, left.serverGroups, left.ports, left.volumes];
      expect(marked.flatMap(mine)).toEqual([]);
    },
  };
  bench = methods as Bench;
  return bench;
}

/** The error that it fails with. */
export async function failure(promise: Promise<unknown>): Promise<MulticloudError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!MulticloudError.isInstance(error)) throw error ?? new Error("it did not fail");
  return error;
}
