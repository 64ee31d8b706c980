import { fault } from "./answers.js";
import type { AskedNetwork } from "./nova-build.js";
import type { NovaCall } from "./nova-call.js";
import type { BlockDeviceRequest, CreateBody } from "./nova-create-body.js";
import { membersOf } from "./nova-server-groups.js";
import type { FlavorRecord, GroupRecord, ImageRecord } from "./records.js";
import { type CloudState, networksOf } from "./state.js";

/** By id; names are the client's business. */
export function findFlavor(state: CloudState, ref: string): FlavorRecord {
  const flavor = state.flavors.find((other) => other.id === String(ref));
  if (!flavor) throw fault(400, "Invalid flavorRef provided.");
  return flavor;
}

/** The device to boot from, when it is not the flavor's local disk. */
export function bootDevice(
  devices: readonly BlockDeviceRequest[] | undefined,
): BlockDeviceRequest | undefined {
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

/** The image to boot, locally or from a volume. */
export function findImage(
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

/** The networks, ports and addresses asked for; without any, the only network there is. */
export function findNetworks(
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

/** Security groups by name or id; a name must be one group's. */
export function findGroups(
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

/** A key pair of the caller. */
export function findKeypair(state: CloudState, call: NovaCall, name: string | undefined) {
  if (name === undefined) return undefined;
  const keypair = state.keypairs.get(`${call.caller.id}/${name}`);
  if (!keypair) throw fault(400, "Invalid key_name provided.");
  return keypair;
}

/** The scheduler hint `group`. Nova looks at both of its names, and at no other hint here. */
export function findServerGroup(state: CloudState, call: NovaCall) {
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

/** The zone asked for, or the first. */
export function findZone(state: CloudState, asked: string | undefined): string {
  if (asked !== undefined && !state.zones.includes(asked)) {
    throw fault(400, "The requested availability zone is not available");
  }
  return asked ?? state.zones[0] ?? "nova";
}

const gib = 1024 ** 3;

/** Whether the image fits the disk that it is to be on. */
export function judgeDisk(
  flavor: FlavorRecord,
  image: ImageRecord,
  boot: BlockDeviceRequest | undefined,
): void {
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

/** The type asked for, by name or id. */
export function findVolumeType(state: CloudState, boot: BlockDeviceRequest | undefined): string | undefined {
  const asked = boot?.volume_type;
  if (asked === undefined) return undefined;
  const type = state.volumeTypes.find((other) => other.id === asked || other.name === asked);
  if (!type) throw fault(400, `Volume type ${asked} could not be found.`);
  return type.name;
}
