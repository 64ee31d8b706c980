import { randomBytes, randomUUID } from "node:crypto";
import type { World } from "../world/world.js";
import type { OpenStackOptions, OpenStackQuotas } from "./options.js";

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly quotas: OpenStackQuotas;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly project: Project;
  readonly credential?: { readonly id: string; readonly name: string; readonly secret: string };
}

export interface Token {
  readonly user: User;
  readonly expiresAt: number;
}

export interface FlavorRecord {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  readonly ram: number;
  readonly disk: number;
}

export interface ImageRecord {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly minDisk: number;
  readonly minRam: number;
  readonly status: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly createdAt: string;
}

export interface NetworkRecord {
  readonly id: string;
  readonly subnetId: string;
  readonly name: string;
  readonly kind: "lan" | "public";
  readonly cidr: string;
  readonly lan: string | undefined;
  readonly external: boolean;
  /** The project that it is of, when it is no operator's. */
  readonly owner: string | undefined;
}

export interface ServerRecord {
  readonly id: string;
  readonly name: string;
  readonly user: User;
  readonly flavor: FlavorRecord;
  readonly image: ImageRecord | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly description: string | undefined;
  readonly keyName: string | undefined;
  readonly publicKey: string | undefined;
  readonly userData: string | undefined;
  readonly configDrive: boolean;
  readonly zone: string;
  readonly groups: readonly GroupRecord[];
  /** From the hint `group`. */
  readonly serverGroup: ServerGroupRecord | undefined;
  readonly createdAt: string;
  status: "BUILD" | "ACTIVE" | "ERROR";
  taskState: string | null;
  fault: { readonly code: number; readonly message: string; readonly created: string } | undefined;
  /** No host was ever found for it. */
  unscheduled: boolean;
  /** Whether deletion forgets the boot volume. */
  leavesVolume: boolean;
  readonly volumes: { readonly volume: VolumeRecord; readonly deleteOnTermination: boolean }[];
  cancelBuild: () => void;
}

export interface PortRecord {
  readonly id: string;
  readonly project: Project;
  readonly network: NetworkRecord;
  /** The server that it is at. */
  server: ServerRecord | undefined;
  /** Somebody made it, not Nova: it stays when its server goes. */
  readonly made?: { readonly name: string; readonly description: string };
  readonly address: string;
  readonly mac: string;
  groups: readonly GroupRecord[];
}

export interface VolumeRecord {
  readonly id: string;
  readonly name: string;
  readonly project: Project;
  readonly size: number;
  readonly type: string;
  readonly createdAt: string;
  readonly metadata: Readonly<Record<string, string>>;
  status: "available" | "in-use" | "error";
  server: ServerRecord | undefined;
}

export interface RuleRecord {
  readonly id: string;
  readonly group: GroupRecord;
  readonly direction: "ingress" | "egress";
  readonly ethertype: "IPv4" | "IPv6";
  readonly protocol: string | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly prefix: string | null;
  readonly remoteGroup: string | null;
  readonly description: string;
}

export interface GroupRecord {
  readonly id: string;
  name: string;
  description: string;
  readonly project: Project;
  readonly isDefault: boolean;
  readonly createdAt: string;
}

export interface KeypairRecord {
  readonly user: User;
  readonly name: string;
  readonly publicKey: string;
  readonly fingerprint: string;
}

export interface FloatingIpRecord {
  readonly id: string;
  readonly project: Project;
  readonly network: NetworkRecord;
  readonly address: string;
  readonly description: string;
  port: PortRecord | undefined;
}

export interface ServerGroupRecord {
  readonly id: string;
  readonly name: string;
  readonly user: User;
  readonly policy: string;
}

/** Everything one emulated cloud knows. */
export interface CloudState {
  readonly name: string;
  readonly region: string;
  readonly world: World;
  readonly pageSize: number;
  readonly microversion: string;
  readonly largestHost: { readonly vcpus: number };
  readonly tokenLifeMs: number;
  readonly zones: readonly string[];
  readonly volumeTypes: readonly { readonly id: string; readonly name: string }[];
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
  readonly failures: { message: string; left: number; leaveVolume: boolean }[];
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

/** The quotas of a fresh installation (Nova, Neutron and Cinder configuration references). */
const defaultQuotas: OpenStackQuotas = {
  instances: 10,
  cores: 20,
  ram: 51_200,
  keyPairs: 100,
  securityGroups: 10,
  securityGroupRules: 100,
  serverGroups: 10,
  floatingIps: 50,
  volumes: 10,
  gigabytes: 1000,
};

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
  const state: CloudState = {
    name: options.name,
    region: options.region ?? "RegionOne",
    world,
    pageSize: options.pageSize ?? 1000,
    microversion: options.microversion ?? "2.93",
    largestHost: options.largestHost ?? { vcpus: Number.POSITIVE_INFINITY },
    tokenLifeMs: options.tokenLifeMs ?? 3_600_000,
    zones: options.availabilityZones ?? ["nova"],
    volumeTypes: (options.volumeTypes ?? ["standard", "fast"]).map((name) => ({ id: newId(), name })),
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

const defaultFlavors = [
  { name: "g1.small", vcpus: 1, ram: 2048, disk: 10 },
  { name: "g1.medium", vcpus: 2, ram: 4096, disk: 20 },
  { name: "g1.large", vcpus: 4, ram: 8192, disk: 40 },
];

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

export function addRule(state: CloudState, rule: Omit<RuleRecord, "id">): RuleRecord {
  const record = { id: newId(), ...rule };
  state.rules.set(record.id, record);
  return record;
}
