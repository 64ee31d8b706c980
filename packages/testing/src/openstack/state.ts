import { randomBytes, randomUUID } from "node:crypto";
import type { World } from "../world/world.js";
import { defaultFlavors, defaultQuotas } from "./defaults.js";
import type { OpenStackOptions } from "./options.js";
import type {
  FlavorRecord,
  FloatingIpRecord,
  GroupRecord,
  ImageRecord,
  KeypairRecord,
  NetworkRecord,
  PortRecord,
  Project,
  RuleRecord,
  ServerGroupRecord,
  ServerRecord,
  Token,
  User,
  VolumeRecord,
} from "./records.js";

/** Everything one emulated cloud knows. */
export interface CloudState {
  readonly name: string;
  readonly region: string;
  readonly world: World;
  readonly pageSize: number;
  readonly microversion: string;
  readonly largestHost: { readonly vcpus: number };
  readonly hosts: number;
  readonly tokenLifeMs: number;
  readonly zones: readonly string[];
  readonly volumeTypes: readonly { readonly id: string; readonly name: string }[];
  readonly brokenVolumeTypes: readonly string[];
  /** Project of the operator's own things, which nobody here logs in to. */
  readonly operatorProject: string;
  readonly projects: readonly Project[];
  readonly users: readonly User[];
  readonly flavors: readonly FlavorRecord[];
  readonly images: readonly ImageRecord[];
  readonly networks: readonly NetworkRecord[];
  readonly tokens: Map<string, Token>;
  readonly servers: Map<string, ServerRecord>;
  /** Ids of all servers there ever were, in the order of their creation. */
  readonly serverHistory: string[];
  readonly ports: Map<string, PortRecord>;
  readonly volumes: Map<string, VolumeRecord>;
  readonly groups: Map<string, GroupRecord>;
  readonly rules: Map<string, RuleRecord>;
  readonly keypairs: Map<string, KeypairRecord>;
  readonly floatingIps: Map<string, FloatingIpRecord>;
  readonly serverGroups: Map<string, ServerGroupRecord>;
  readonly failures: { message: string; left: number; leaveVolume: "attached" | "lost" | undefined }[];
}

/** An id as OpenStack's services make them. */
export const newId = () => randomUUID();

/** The networks that a project sees. */
export function networksOf(state: CloudState, project: Project): readonly NetworkRecord[] {
  return state.networks.filter(({ owner }) => owner === undefined || owner === project.name);
}

/** Keystone's ids are UUIDs without dashes. */
export const newKeystoneId = () => randomUUID().replaceAll("-", "");

/** The virtual time as the services write it: `2026-11-23T10:00:00Z`. */
export function timestamp(state: CloudState): string {
  return `${new Date(state.world.clock.now()).toISOString().slice(0, 19)}Z`;
}

/** A cloud in which nobody has made anything yet. */
export function createState(world: World, options: OpenStackOptions): CloudState {
  const given = options.users ?? [
    {
      name: "multicloud",
      password: randomBytes(16).toString("hex"),
      project: "multicloud",
      applicationCredential: { secret: randomBytes(32).toString("base64url") },
    },
  ];
  const projects = [...new Set(given.map((user) => user.project))].map((name) => ({
    id: newKeystoneId(),
    name,
    quotas: { ...defaultQuotas, ...options.quotas, ...options.projectQuotas?.[name] },
  }));
  const broken = options.brokenVolumeTypes ?? [];
  const state: CloudState = {
    name: options.name,
    region: options.region ?? "RegionOne",
    world,
    pageSize: options.pageSize ?? 1000,
    microversion: options.microversion ?? "2.93",
    largestHost: options.largestHost ?? { vcpus: Number.POSITIVE_INFINITY },
    hosts: options.hosts ?? Number.POSITIVE_INFINITY,
    tokenLifeMs: options.tokenLifeMs ?? 3_600_000,
    zones: options.availabilityZones ?? ["nova"],
    volumeTypes: [...(options.volumeTypes ?? ["standard", "fast"]), ...broken].map((name) => ({
      id: newId(),
      name,
    })),
    brokenVolumeTypes: broken,
    operatorProject: newKeystoneId(),
    projects,
    users: given.map((user) => ({
      id: newKeystoneId(),
      name: user.name,
      password: user.password,
      project: projects.find((project) => project.name === user.project)!,
      ...(user.applicationCredential
        ? {
            credential: {
              id: user.applicationCredential.id ?? newKeystoneId(),
              name: user.applicationCredential.name ?? "sdk",
              secret: user.applicationCredential.secret,
            },
          }
        : {}),
    })),
    flavors: (options.flavors ?? defaultFlavors).map((flavor) => ({ id: newId(), ...flavor })),
    images: (options.images ?? [{ name: "debian-12" }]).map((image) => ({
      id: newId(),
      name: image.name,
      family: image.family ?? image.name,
      minDisk: image.minDisk ?? 1,
      minRam: image.minRam ?? 0,
      status: image.status ?? "active",
      properties: image.properties ?? {},
      createdAt: `${new Date(world.clock.now() + (image.createdAfterMs ?? 0)).toISOString().slice(0, 19)}Z`,
    })),
    networks: options.networks.map((network) => ({
      id: newId(),
      subnetId: newId(),
      name: network.name,
      kind: network.kind,
      cidr: network.cidr,
      lan: network.kind === "lan" ? (network.lan ?? network.name) : undefined,
      external: network.external ?? false,
      owner: network.project,
    })),
    tokens: new Map(),
    servers: new Map(),
    serverHistory: [],
    ports: new Map(),
    volumes: new Map(),
    groups: new Map(),
    rules: new Map(),
    keypairs: new Map(),
    floatingIps: new Map(),
    serverGroups: new Map(),
    failures: [],
  };
  for (const project of projects) addDefaultGroup(state, project);
  return state;
}

/** Each project has one from the beginning. It lets its own members in and everybody out. */
function addDefaultGroup(state: CloudState, project: Project): void {
  const group: GroupRecord = {
    id: newId(),
    name: "default",
    description: "Default security group",
    project,
    isDefault: true,
    createdAt: timestamp(state),
  };
  state.groups.set(group.id, group);
  addEgressRules(state, group);
  for (const ethertype of ["IPv4", "IPv6"] as const) {
    addRule(state, { ...anyRule, group, direction: "ingress", ethertype, remoteGroup: group.id });
  }
}

const anyRule = {
  protocol: null,
  min: null,
  max: null,
  prefix: null,
  remoteGroup: null,
  description: "",
} as const;

/** The two rules that Neutron puts into each new group. */
export function addEgressRules(state: CloudState, group: GroupRecord): void {
  for (const ethertype of ["IPv4", "IPv6"] as const) {
    addRule(state, { ...anyRule, group, direction: "egress", ethertype });
  }
}

/** Adds a rule to its group. */
export function addRule(state: CloudState, rule: Omit<RuleRecord, "id">): RuleRecord {
  const record = { id: newId(), ...rule };
  state.rules.set(record.id, record);
  return record;
}
