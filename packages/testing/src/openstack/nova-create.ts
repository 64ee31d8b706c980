import type { ServiceResponse } from "../world/http-service.js";
import { fault } from "./answers.js";
import { type AskedNetwork, startBuild } from "./nova-build.js";
import { judgeBody, type NovaCall, type NovaSetting } from "./nova-call.js";
import { type BlockDeviceRequest, type CreateBody, createBody } from "./nova-create-body.js";
import { membersOf } from "./nova-server-groups.js";
import type { FlavorRecord, GroupRecord, ImageRecord, ServerRecord } from "./records.js";
import { type CloudState, networksOf, newId, timestamp } from "./state.js";

/** `POST /servers` */
export async function createServers(setting: NovaSetting, call: NovaCall): Promise<ServiceResponse> {
  const { state } = setting;
  judgeBody(call.body, createBody(call.version));
  const { server } = call.body as CreateBody;
  const count = Number(server.max_count ?? server.min_count ?? 1);
  const flavor = findFlavor(state, server.flavorRef);
  const boot = bootDevice(server.block_device_mapping_v2);
  const image = findImage(state, server, boot);
  const networks = findNetworks(state, call, server.networks);
  const groups = findGroups(state, call, server.security_groups);
  const keypair = findKeypair(state, call, server.key_name);
  const serverGroup = findServerGroup(state, call);
  const zone = findZone(state, server.availability_zone);
  judgeDisk(flavor, image, boot);
  const volumeType = findVolumeType(state, boot);
  judgeQuota(state, call, flavor, count);
  judgePorts(state, call, networks.filter(({ port }) => !port).length * count);

  const made: ServerRecord[] = [];
  for (let n = 1; n <= count; n++) {
    const record: ServerRecord = {
      id: newId(),
      name: count > 1 ? `${server.name}-${n}` : server.name,
      user: call.caller,
      flavor,
      image: boot ? undefined : image,
      metadata: server.metadata ?? {},
      tags: [...(server.tags ?? [])].sort(),
      description: server.description,
      keyName: keypair?.name,
      publicKey: keypair?.publicKey,
      userData: server.user_data,
      configDrive: isTrue(server.config_drive),
      zone,
      groups,
      serverGroup,
      createdAt: timestamp(state),
      status: "BUILD",
      taskState: "scheduling",
      fault: undefined,
      unscheduled: false,
      onHost: false,
      leavesVolume: false,
      volumes: [],
      cancelBuild: () => {},
    };
    state.servers.set(record.id, record);
    state.serverHistory.push(record.id);
    made.push(record);
    startBuild(state, record, {
      networks,
      image,
      volume: boot && {
        size: Number(boot.volume_size),
        type: volumeType ?? state.volumeTypes[0]!.name,
        deleteOnTermination: isTrue(boot.delete_on_termination),
      },
    });
  }
  for (const { name } of made) {
    await state.world.effects.record({
      service: `${state.name}/nova`,
      kind: "server",
      action: "create",
      name,
    });
  }
  const [first] = made;
  const self = `${call.base}/servers/${first!.id}`;
  return {
    status: 202,
    headers: { location: self },
    body: {
      server: {
        id: first!.id,
        links: [
          { rel: "self", href: self },
          { rel: "bookmark", href: `${call.origin}/servers/${first!.id}` },
        ],
        "OS-DCF:diskConfig": "MANUAL",
        security_groups: groups.map((group) => ({ name: group.name })),
        adminPass: first!.id.slice(0, 12),
      },
    },
  };
}

function findFlavor(state: CloudState, ref: string): FlavorRecord {
  const flavor = state.flavors.find((other) => other.id === String(ref));
  if (!flavor) throw fault(400, "Invalid flavorRef provided.");
  return flavor;
}

/** The device to boot from, when it is not the flavor's local disk. */
function bootDevice(devices: readonly BlockDeviceRequest[] | undefined): BlockDeviceRequest | undefined {
  if (!devices || devices.length === 0) return undefined;
  const boot = devices.filter((device) => String(device.boot_index) === "0");
  if (boot.length !== 1) {
    throw fault(
      400,
      "Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.",
    );
  }
  return boot[0];
}

function findImage(
  state: CloudState,
  server: CreateBody["server"],
  boot: BlockDeviceRequest | undefined,
): ImageRecord {
  if (boot && (boot.source_type !== "image" || boot.destination_type !== "volume")) {
    throw fault(400, "Block Device Mapping is Invalid: the emulator boots from image to volume only.");
  }
  const id = boot ? boot.uuid : server.imageRef;
  if (id === undefined || id === "") throw fault(400, "Invalid imageRef provided.");
  const image = state.images.find((other) => other.id === id);
  if (!image) {
    throw fault(
      400,
      boot ? `Block Device Mapping is Invalid: failed to get image ${id}.` : "Can not find requested image",
    );
  }
  if (image.status !== "active") throw fault(400, `Image ${id} is not active.`);
  return image;
}

function findNetworks(
  state: CloudState,
  call: NovaCall,
  asked: CreateBody["server"]["networks"],
): readonly AskedNetwork[] {
  const seen = networksOf(state, call.caller.project);
  if (asked === "none") return [];
  if (asked === undefined || asked === "auto" || asked.length === 0) {
    const candidates = seen.filter((network) => !network.external);
    if (candidates.length > 1) {
      throw fault(409, "Multiple possible networks found, use a Network ID to be more specific.");
    }
    return candidates.map((network) => ({ network }));
  }
  return asked.map(({ uuid, port, fixed_ip: address }) => {
    if (port) {
      const own = state.ports.get(port);
      if (own?.project !== call.caller.project) throw fault(400, `Port id ${port} could not be found.`);
      if (own.server) throw fault(409, `Port ${port} is still in use.`);
      return { network: own.network, port: own };
    }
    const network = seen.find((other) => other.id === uuid);
    if (!network) throw fault(400, `Network ${uuid} could not be found.`);
    if (address === undefined) return { network };
    const taken = [...state.ports.values()].find(
      (other) => other.network === network && other.address === address,
    );
    if (taken?.server) {
      throw fault(400, `Fixed IP address ${address} is already in use on instance ${taken.server.id}.`);
    }
    return { network, address };
  });
}

function findGroups(
  state: CloudState,
  call: NovaCall,
  asked: readonly { readonly name: string }[] = [{ name: "default" }],
): readonly GroupRecord[] {
  const all = [...state.groups.values()].filter((group) => group.project === call.caller.project);
  return asked.map(({ name }) => {
    const byId = all.find((group) => group.id === name);
    if (byId) return byId;
    const [group, ...others] = all.filter((other) => other.name === name);
    if (others.length > 0) {
      throw fault(
        409,
        `Multiple security_group matches found for name '${name}', use an ID to be more specific.`,
      );
    }
    if (!group) throw fault(400, `Unable to find security_group with name or id '${name}'`);
    return group;
  });
}

function findKeypair(state: CloudState, call: NovaCall, name: string | undefined) {
  if (name === undefined) return undefined;
  const keypair = state.keypairs.get(`${call.caller.id}/${name}`);
  if (!keypair) throw fault(400, "Invalid key_name provided.");
  return keypair;
}

/** The scheduler hint `group`. Nova looks at both of its names, and at no other hint here. */
function findServerGroup(state: CloudState, call: NovaCall) {
  const body = call.body as CreateBody;
  const hints = body["os:scheduler_hints"] ?? body["OS-SCH-HNT:scheduler_hints"];
  if (hints?.group === undefined) return undefined;
  const group = state.serverGroups.get(hints.group);
  if (group && group.user.project === call.caller.project) {
    const most = call.caller.project.quotas.serverGroupMembers;
    if (most >= 0 && membersOf(state, group).length >= most)
      throw fault(403, "Quota exceeded, too many servers in group");
    return group;
  }
  throw fault(400, `Instance group ${hints.group} could not be found.`);
}

function findZone(state: CloudState, asked: string | undefined): string {
  if (asked !== undefined && !state.zones.includes(asked)) {
    throw fault(400, "The requested availability zone is not available");
  }
  return asked ?? state.zones[0] ?? "nova";
}

const gib = 1024 ** 3;

function judgeDisk(flavor: FlavorRecord, image: ImageRecord, boot: BlockDeviceRequest | undefined): void {
  if (flavor.ram < image.minRam) throw fault(400, "Flavor's memory is too small for requested image.");
  if (boot) {
    if (boot.volume_size === undefined) {
      throw fault(
        400,
        "Block Device Mapping is Invalid: Images with destination_type 'volume' need to have a non-zero size specified",
      );
    }
    if (Number(boot.volume_size) < image.minDisk) {
      throw fault(
        400,
        `Volume is smaller than the minimum size specified in image metadata. Volume size is ${Number(boot.volume_size) * gib} bytes, minimum size is ${image.minDisk * gib} bytes.`,
      );
    }
    return;
  }
  if (flavor.disk === 0) {
    throw fault(403, "Only volume-backed servers are allowed for flavors with zero disk.");
  }
  if (flavor.disk < image.minDisk) {
    throw fault(
      400,
      `Flavor's disk is too small for requested image. Flavor disk is ${flavor.disk * gib} bytes, image is ${image.minDisk * gib} bytes.`,
    );
  }
}

function findVolumeType(state: CloudState, boot: BlockDeviceRequest | undefined): string | undefined {
  const asked = boot?.volume_type;
  if (asked === undefined) return undefined;
  const type = state.volumeTypes.find((other) => other.id === asked || other.name === asked);
  if (!type) throw fault(400, `Volume type ${asked} could not be found.`);
  return type.name;
}

/** What the project uses. */
export function usageOf(state: CloudState, call: NovaCall) {
  const servers = [...state.servers.values()].filter((s) => s.user.project === call.caller.project);
  return {
    instances: servers.length,
    cores: servers.reduce((sum, server) => sum + server.flavor.vcpus, 0),
    ram: servers.reduce((sum, server) => sum + server.flavor.ram, 0),
  };
}

function judgeQuota(state: CloudState, call: NovaCall, flavor: FlavorRecord, count: number): void {
  const used = usageOf(state, call);
  const asked = { cores: flavor.vcpus * count, instances: count, ram: flavor.ram * count };
  const over = (["cores", "instances", "ram"] as const).filter(
    (name) =>
      call.caller.project.quotas[name] >= 0 && used[name] + asked[name] > call.caller.project.quotas[name],
  );
  if (over.length === 0) return;
  const each = (of: (name: (typeof over)[number]) => number) => over.map(of).join(", ");
  throw fault(
    403,
    `Quota exceeded for ${over.join(", ")}: Requested ${each((n) => asked[n])}, but already used ${each((n) => used[n])} of ${each((n) => call.caller.project.quotas[n])} ${over.join(", ")}`,
  );
}

/** Nova asks Neutron for its quota before it makes a server, whose ports come later. */
function judgePorts(state: CloudState, call: NovaCall, more: number): void {
  const { project } = call.caller;
  const used = [...state.ports.values()].filter((port) => port.project === project).length;
  if (project.quotas.ports >= 0 && used + more > project.quotas.ports)
    throw fault(403, "Maximum number of ports exceeded");
}

function isTrue(value: unknown): boolean {
  return value === true || ["true", "True", "1"].includes(String(value));
}
