import { MulticloudError, nearest, type Problem, type SiteContext } from "@multicloud/core/plugin";
import type { Flavor, Image, Network, OpenStackCall, OpenStackClient, VolumeType } from "./client/index.js";
import { shareRun } from "./client/share.js";
import { ourGroups, sharedName } from "./marks.js";
import type { OpenStackOptions } from "./options.js";

/** A thing that was looked for by name or id, or what is wrong with the name. */
export type Found<T> = { readonly thing: T } | { readonly problem: Omit<Problem, "path"> };

/**
 * Finds what the configuration names, by name or id. Answers are kept for the machines that follow, until
 * `forget`.
 */
export interface Lookup {
  flavor(call: SiteContext, given: string): Promise<Found<Flavor>>;
  image(call: SiteContext, given: string): Promise<Found<Image>>;
  /** Those given, in their order, or the one that is chosen when nothing is given. */
  networks(call: SiteContext, given?: string | readonly string[]): Promise<Found<readonly Network[]>>;
  /** Where floating IPs come from. */
  externalNetwork(call: SiteContext, given: string | true): Promise<Found<Network>>;
  /** Ids of security groups by name or id. */
  groupIds(call: SiteContext, given: readonly string[]): Promise<Found<readonly string[]>>;
  volumeType(call: SiteContext, given: string): Promise<Found<VolumeType>>;
  /** Id of the site's security group. */
  siteGroup(call: SiteContext): Promise<Found<string>>;
  /** Does something once for all who wait for it, and keeps what came of it. */
  once<T>(
    key: string,
    ask: (call: SiteContext) => Promise<Found<T>>,
  ): (call: SiteContext) => Promise<Found<T>>;
  /** Asks the cloud anew from now on. */
  forget(): void;
}

type Ask<T> = (call: SiteContext) => Promise<Found<T>>;

export function createLookup(client: OpenStackClient, options: OpenStackOptions): Lookup {
  let kept = new Map<string, Ask<unknown>>();

  /** Asks once for all who want to know. Only what was found is kept: what is missing may be made before the next look. */
  function keep<T>(key: string, ask: Ask<T>): Ask<T> {
    const known = kept.get(key) as Ask<T> | undefined;
    if (known) return known;
    let answer: Found<T> | undefined;
    const shared = shareRun(async (call: SiteContext) => {
      const found = await ask(call);
      if ("thing" in found) answer = found;
      return found;
    });
    const asking: Ask<T> = async (call) => answer ?? shared(call);
    kept.set(key, asking);
    return asking;
  }

  /** A whole collection, kept. */
  function all<T>(key: string, ask: (call: OpenStackCall) => Promise<readonly T[]>): Ask<readonly T[]> {
    return keep(key, async (call) => ({ thing: await ask(call) }));
  }

  return {
    forget() {
      kept = new Map();
    },
    async flavor(call, given) {
      const flavors = await all("flavors", client.nova.listFlavors)(call);
      return byNameOrId("flavor", given, demand(flavors, call));
    },
    image: (call, given) => keep(`image ${given}`, (own) => findImage(client, own, given))(call),
    async networks(call, given = options.network) {
      const networks = demand(await all("networks", client.neutron.listNetworks)(call), call);
      if (given === undefined) return chooseNetwork(networks);
      const found: Network[] = [];
      for (const name of typeof given === "string" ? [given] : given) {
        const one = byNameOrId("network", name, networks);
        if ("problem" in one) return one;
        found.push(one.thing);
      }
      return { thing: found };
    },
    async externalNetwork(call, given) {
      const networks = demand(await all("networks", client.neutron.listNetworks)(call), call);
      const outer = networks.filter((network) => network["router:external"]);
      if (given !== true) return byNameOrId("external network", given, outer);
      const [only, ...others] = outer;
      if (only && others.length === 0) return { thing: only };
      return {
        problem: {
          message: only
            ? "the project sees several external networks"
            : "the project sees no external network",
          allowed: namesOf(outer),
          hint: only ? "choose one with `floatingIp`" : "floating IPs need one; ask the cloud's operator",
        },
      };
    },
    async groupIds(call, given) {
      if (given.length === 0) return { thing: [] };
      const groups = demand(await all("groups", client.neutron.listSecurityGroups)(call), call);
      const ids: string[] = [];
      for (const name of given) {
        const found = byNameOrId("security group", name, groups);
        if ("problem" in found) return found;
        ids.push(found.thing.id);
      }
      return { thing: ids };
    },
    once: keep,
    async volumeType(call, given) {
      const types = await all("volume types", client.cinder.listVolumeTypes)(call);
      return byNameOrId("volume type", given, demand(types, call));
    },
    siteGroup: (call) => keep(`group ${call.cluster}/${call.site}`, (own) => findGroup(client, own))(call),
  };
}

async function findGroup(client: OpenStackClient, call: SiteContext): Promise<Found<string>> {
  const name = sharedName(call);
  const group = ourGroups(call, await client.neutron.listSecurityGroups(call, { name }))[0];
  if (group) return { thing: group.id };
  return {
    problem: {
      message: `the security group ${name} is missing`,
      hint: "ensureShared makes it and must come before create; somebody may have deleted it since",
    },
  };
}

/** The thing, or the problem as an error. */
export function demand<T>(found: Found<T>, call: OpenStackCall): T {
  if ("thing" in found) return found.thing;
  const { message, suggestion, allowed, hint } = found.problem;
  throw new MulticloudError(`${message}${suggestion ? `; did you mean ${suggestion}?` : ""}`, {
    code: "NOT_FOUND",
    site: call.site,
    node: call.node,
    hint: hint ?? (allowed?.length ? `there is: ${allowed.join(", ")}` : undefined),
  });
}

interface Named {
  readonly id: string;
  readonly name: string | null;
}

function byNameOrId<T extends Named>(kind: string, given: string, all: readonly T[]): Found<T> {
  const byId = all.find((thing) => thing.id === given);
  if (byId) return { thing: byId };
  const [first, ...others] = all.filter((thing) => thing.name === given);
  if (first && others.length === 0) return { thing: first };
  if (first) return ambiguous(kind, given, [first, ...others]);
  return missing(kind, given, all);
}

async function findImage(client: OpenStackClient, call: OpenStackCall, given: string): Promise<Found<Image>> {
  const properties = propertiesOf(given);
  if (properties) return newestImage(client, call, given, properties);
  const byId = looksLikeId(given) ? await client.glance.getImage(call, given) : undefined;
  const candidates = byId ? [byId] : await client.glance.listImages(call, { name: given });
  const [first, ...others] = candidates.filter((image) => image.status === "active");
  if (first && others.length === 0) return { thing: first };
  if (first) return ambiguous("image", given, [first, ...others]);
  const [unusable] = candidates;
  if (unusable) {
    return {
      problem: {
        message: `image ${given} is ${unusable.status}, not active`,
        given,
        hint: "wait until its upload has ended, or have it activated",
      },
    };
  }
  const all = await client.glance.listImages(call);
  return missing(
    "image",
    given,
    all.filter((image) => image.status === "active"),
  );
}

/** `os_distro=debian,os_version=12` as properties; `undefined` when it is a name. */
function propertiesOf(given: string): Readonly<Record<string, string>> | undefined {
  const pairs = given.split(",").map((pair) => /^\s*([a-z][\w:.-]*)=(.+?)\s*$/i.exec(pair));
  if (!pairs.every((pair) => pair !== null)) return undefined;
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
}

/** Images are published again and again with the same properties: the newest is the one that is meant. */
async function newestImage(
  client: OpenStackClient,
  call: OpenStackCall,
  given: string,
  properties: Readonly<Record<string, string>>,
): Promise<Found<Image>> {
  const images = await client.glance.listImages(call, properties);
  const [newest] = images
    .filter((image) => image.status === "active")
    .sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  if (newest) return { thing: newest };
  return {
    problem: {
      message: `there is no active image with ${given}`,
      given,
      hint: "see the images' properties with: openstack image list --long",
    },
  };
}

function chooseNetwork(all: readonly Network[]): Found<readonly Network[]> {
  const inner = all.filter((network) => !network["router:external"]);
  const candidates = inner.length > 0 ? inner : all;
  const [first, ...others] = candidates;
  if (first && others.length === 0) return { thing: [first] };
  return {
    problem: {
      message: first ? "the project sees several networks" : "the project sees no network",
      allowed: namesOf(candidates),
      hint: first ? "choose one with `network`" : "create a network, or have one shared with the project",
    },
  };
}

function ambiguous(kind: string, given: string, all: readonly Named[]): Found<never> {
  return {
    problem: {
      message: `${all.length} things of kind ${kind} are named ${given}`,
      given,
      allowed: all.map((thing) => thing.id),
      hint: "give the id of one",
    },
  };
}

function missing(kind: string, given: string, all: readonly Named[]): Found<never> {
  const names = namesOf(all);
  const suggestion = nearest(given, names);
  return {
    problem: {
      message: `there is no ${kind} ${given}`,
      given,
      allowed: names,
      ...(suggestion === undefined ? {} : { suggestion }),
    },
  };
}

function namesOf(all: readonly Named[]): string[] {
  return [...new Set(all.map((thing) => thing.name ?? thing.id))].sort();
}

/** Glance's ids are UUIDs; other things' ids come with their lists. */
function looksLikeId(given: string): boolean {
  return /^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i.test(given);
}
