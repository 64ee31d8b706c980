import type { ServiceResponse } from "../world/http-service.js";
import { startBuild } from "./nova-build.js";
import { judgeBody, type NovaCall, type NovaSetting } from "./nova-call.js";
import { type CreateBody, createBody } from "./nova-create-body.js";
import {
  bootDevice,
  findFlavor,
  findGroups,
  findImage,
  findKeypair,
  findNetworks,
  findServerGroup,
  findVolumeType,
  findZone,
  judgeDisk,
} from "./nova-create-find.js";
import { judgePorts, judgeQuota } from "./nova-quota.js";
import type { ServerRecord } from "./records.js";
import { newId, timestamp } from "./state.js";

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

function isTrue(value: unknown): boolean {
  return value === true || ["true", "True", "1"].includes(String(value));
}
